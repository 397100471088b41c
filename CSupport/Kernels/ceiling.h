// The register-only loops, one a path; see rb_ceiling_run.
#pragma once
#include "include/kernels.h"

// Independent sums: more than the latency of a multiply-accumulate times how many of them start in a cycle.
enum { RB_CEILING_SUMS = 12 };

uint64_t rb_ceiling_avx2(uint32_t rounds);
uint64_t rb_ceiling_avxvnni(uint32_t rounds);
uint64_t rb_ceiling_avx512vnni(uint32_t rounds);
uint64_t rb_ceiling_neon(uint32_t rounds);
uint64_t rb_ceiling_dotprod(uint32_t rounds);
uint64_t rb_ceiling_i8mm(uint32_t rounds);
