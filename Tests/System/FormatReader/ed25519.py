"""Whether an Ed25519 signature is right, from RFC 8032 (sections 5.1.3 and 5.1.7), with Python's whole numbers: plain and slow."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def decoded(data):
    """The point (x, y) of 32 bytes; None where there is none."""
    y = int.from_bytes(data, "little")
    is_odd, y = y >> 255, y & (2**255 - 1)
    # x x = (y y - 1) / (d y y + 1)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x + u) % P == 0:
        x = x * ROOT_OF_MINUS_1 % P
    if y >= P or (v * x * x - u) % P != 0 or (x == 0 and is_odd):
        return None
    return (P - x if x % 2 != is_odd else x), y


def added(a, b):
    """The sum of two points in projective coordinates (X : Y : Z)."""
    (x1, y1, z1), (x2, y2, z2) = a, b
    zz, xx, yy = z1 * z2 % P, x1 * x2 % P, y1 * y2 % P
    square, product = zz * zz % P, D * xx * yy % P
    minus, plus = (square - product) % P, (square + product) % P
    cross = ((x1 + y1) * (x2 + y2) - xx - yy) % P
    return zz * minus * cross % P, zz * plus * (yy + xx) % P, minus * plus % P


def times(number, point):
    result = (0, 1, 1)
    while number:
        if number & 1:
            result = added(result, point)
        point, number = added(point, point), number >> 1
    return result


BASE = decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_right(signature, message, key):
    """signature: 64 bytes; key: the public key's 32."""
    a, r, s = decoded(key), decoded(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y, z = times(s, (*BASE, 1))
    other_x, other_y, other_z = added((*r, 1), times(k, (*a, 1)))
    return (x * other_z - other_x * z) % P == 0 and (y * other_z - other_y * z) % P == 0
