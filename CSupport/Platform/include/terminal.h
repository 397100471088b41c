// The keys of the terminal that the program's standard input is.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// From now on keys are there at once and are not shown, until the program ends or is stopped by whatever it may be, and
// again once it goes on. False where standard input is no terminal or the program is not in its foreground.
bool rb_terminal_take_keys(void);
// The next key that was pressed; -1 where there is none.
int32_t rb_terminal_key(void);
// Leaves the terminal as it was; safe in a signal handler.
void rb_terminal_restore(void);
