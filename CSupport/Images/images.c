#include "include/images.h"
