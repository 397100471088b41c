// Arithmetic that the provers of Tests/System/Proof/run need to be reminded of: products and quotients of numbers that
// are not constant. Each is proved there as well, and none is in a program.
#pragma once
#include <stdint.h>

/*@ ghost
  /@ requires 0 <= c && a <= b;
    assigns \nothing;
    ensures a * c <= b * c; @/
  void product_grows(int64_t a, int64_t b, int64_t c) {}

  /@ requires 0 <= a <= most_a && 0 <= b <= most_b;
    assigns \nothing;
    ensures 0 <= a * b <= most_a * most_b; @/
  void product_within(int64_t a, int64_t b, int64_t most_a, int64_t most_b) {
      /@ assert a * b <= most_a * b; @/
      /@ assert most_a * b <= most_a * most_b; @/
  }

  /@ requires 0 <= a && 0 < b && 0 <= n && a < n * b;
    assigns \nothing;
    ensures 0 <= a / b < n; @/
  void quotient_below(int64_t a, int64_t b, int64_t n) {
      /@ assert a == a / b * b + a % b && 0 <= a % b < b; @/
      /@ assert a / b >= n ==> a / b * b >= n * b; @/
  }

  /@ requires 0 <= a <= b && 0 < c;
    assigns \nothing;
    ensures 0 <= a / c <= b / c; @/
  void quotient_grows(int64_t a, int64_t b, int64_t c) {
      /@ assert a == a / c * c + a % c && b == b / c * c + b % c; @/
      /@ assert 0 <= a % c < c && 0 <= b % c < c; @/
      /@ assert a / c > b / c ==> a / c * c >= (b / c + 1) * c; @/
  }
*/
