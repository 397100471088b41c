// Making signatures.
#include "include/signatures.h"
#include <sodium.h>

void rb_public_key(const uint8_t seed[RB_SEED_BYTES], uint8_t key[RB_KEY_BYTES]) {
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(key, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

void rb_sign(const uint8_t seed[RB_SEED_BYTES], const void *bytes, size_t count,
             uint8_t signature[RB_SIGNATURE_BYTES]) {
    uint8_t key[RB_KEY_BYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(key, secret, seed);
    crypto_sign_ed25519_detached(signature, NULL, bytes, count, secret);
    sodium_memzero(secret, sizeof secret);
}
