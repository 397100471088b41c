// Inside Platform only: getopt_long reorders the argument vector itself.
#pragma once

char **rb_argument_vector(void);
