#include "include/pixels.h"
