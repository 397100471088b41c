// Checking signatures.
#include "include/signatures.h"
#include <sodium.h>

bool rb_signature_is_right(const uint8_t signature[RB_SIGNATURE_BYTES], const void *bytes, size_t count,
                           const uint8_t key[RB_KEY_BYTES]) {
    return crypto_sign_ed25519_verify_detached(signature, bytes, count, key) == 0;
}

#ifdef RB_STATIC_PROGRAM
// What the archive's other members would call, of which checking a signature is none: without these two, libsodium's
// set-up, and by it all of its ciphers, would be linked into every program for a board.
#include <stdlib.h>

void sodium_misuse(void) {
    abort();
}

void randombytes_buf(void *const bytes, const size_t count) {
    (void)bytes;
    (void)count;
    abort();
}
#endif
