#include "include/platform.h"
