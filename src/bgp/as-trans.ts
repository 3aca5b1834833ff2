/** Stands for every AS number that does not fit two octets (RFC 6793 section 9). */
export const AS_TRANS = 23_456;
