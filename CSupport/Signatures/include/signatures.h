// Ed25519 signatures (RFC 8032), by libsodium: see the files' own comments.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RB_KEY_BYTES = 32, RB_SEED_BYTES = 32, RB_SIGNATURE_BYTES = 64 };

// --- verify.c ---

// Whether whoever has the secret key of the public `key` signed these bytes. Takes time linear in `count` and no memory
// from the heap. Keys of small order, and signatures written in another way than the one of RFC 8032, are refused.
bool rb_signature_is_right(const uint8_t signature[RB_SIGNATURE_BYTES], const void *bytes, size_t count,
                           const uint8_t key[RB_KEY_BYTES]);

// --- sign.c, for the host ---

// The public key of a secret seed.
void rb_public_key(const uint8_t seed[RB_SEED_BYTES], uint8_t key[RB_KEY_BYTES]);
// The same seed and bytes give the same signature.
void rb_sign(const uint8_t seed[RB_SEED_BYTES], const void *bytes, size_t count, uint8_t signature[RB_SIGNATURE_BYTES]);
