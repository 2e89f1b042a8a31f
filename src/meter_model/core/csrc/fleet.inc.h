/* The fleet kernel for vectors of W doubles; included once per instruction set (see dispatch.h), so without a guard.
 *
 * A vector of meters keeps its six sums in processor registers through all steps of the block and touches its
 * accumulators once, and only those that changed.  Meters that import active energy in the first quadrant, by far the
 * most usual case, take the short path.
 */
#define vd NAME(vd)
#define vu NAME(vu)
#define vf NAME(vf)
#define mask NAME(mask)

typedef double vd __attribute__((vector_size(8 * W)));
typedef uint64_t vu __attribute__((vector_size(8 * W)));
typedef float vf __attribute__((vector_size(4 * W)));

/* ---- the few words that differ between instruction sets ---- */
#if W == 8
typedef __mmask8 mask;
LIBRARY_INLINE int NAME(any_sign)(vd x) { return _mm512_movepi64_mask((__m512i)x) != 0; }
LIBRARY_INLINE int NAME(any_bit)(vu x) { return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0; }
LIBRARY_INLINE mask NAME(not_below)(vd x, vd s) { return _mm512_cmp_pd_mask((__m512d)x, (__m512d)s, _CMP_NLT_UQ); }
LIBRARY_INLINE mask NAME(negative)(vd x) { return _mm512_cmp_pd_mask((__m512d)x, _mm512_setzero_pd(), _CMP_LT_OQ); }
LIBRARY_INLINE mask NAME(both)(mask a, mask b) { return _kand_mask8(a, b); }
LIBRARY_INLINE mask NAME(only_second)(mask a, mask b) { return _kandn_mask8(a, b); }
LIBRARY_INLINE mask NAME(neither)(mask a, mask b) { return _knot_mask8(_kor_mask8(a, b)); }
LIBRARY_INLINE mask NAME(not)(mask a) { return _knot_mask8(a); }
LIBRARY_INLINE vd NAME(keep)(mask m, vd x) { return (vd)_mm512_maskz_mov_pd(m, (__m512d)x); }
LIBRARY_INLINE vu NAME(add_where)(vu sum, mask m, vu x) {
    return (vu)_mm512_mask_add_epi64((__m512i)sum, m, (__m512i)sum, (__m512i)x);
}
#else
typedef vu mask;
LIBRARY_INLINE int NAME(any_sign)(vd x) {
#if W == 4
    return _mm256_movemask_pd((__m256d)x) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_pd((__m128d)x) != 0;
#else
    vu bits = (vu)x;
    uint64_t all = 0;
    for (int i = 0; i < W; i++) all |= bits[i];
    return (int)(all >> 63);
#endif
}
LIBRARY_INLINE int NAME(any_bit)(vu x) {
#if W == 4
    return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#else
    uint64_t all = 0;
    for (int i = 0; i < W; i++) all |= x[i];
    return all != 0;
#endif
}
LIBRARY_INLINE mask NAME(not_below)(vd x, vd s) { return ~(mask)(x < s); } /* true for what is not a number */
LIBRARY_INLINE mask NAME(negative)(vd x) { return (mask)(x < (vd){0}); }
LIBRARY_INLINE mask NAME(both)(mask a, mask b) { return a & b; }
LIBRARY_INLINE mask NAME(only_second)(mask a, mask b) { return ~a & b; }
LIBRARY_INLINE mask NAME(neither)(mask a, mask b) { return ~(a | b); }
LIBRARY_INLINE mask NAME(not)(mask a) { return ~a; }
LIBRARY_INLINE vd NAME(keep)(mask m, vd x) { return (vd)((vu)x & m); }
LIBRARY_INLINE vu NAME(add_where)(vu sum, mask m, vu x) { return sum + (x & m); }
#endif

/* ---- loads and stores of n <= W lanes; lanes beyond n read as zero, which registers nothing ---- */
LIBRARY_INLINE vd NAME(doubles)(const double *from, size_t n) {
    vd x = {0};
    memcpy(&x, from, n * sizeof(double));
    return x;
}

LIBRARY_INLINE vd NAME(powers)(const void *from, size_t at, size_t n, int single) {
    if (single) {
        vf x = {0};
        memcpy(&x, (const float *)from + at, n * sizeof(float));
        return __builtin_convertvector(x, vd);
    }
    return NAME(doubles)((const double *)from + at, n);
}

LIBRARY_INLINE vd NAME(magnitude)(vd x) { return (vd)((vu)x & ~((vu){0} + (UINT64_C(1) << 63))); }

/* The power, or zero below the starting threshold. */
LIBRARY_INLINE vd NAME(started)(vd x, vd starting) {
    return NAME(keep)(NAME(not_below)(NAME(magnitude)(x), starting), x);
}

LIBRARY_INLINE vu NAME(increments)(vd magnitude, vd factor) {
    vd rounded = magnitude * factor + ROUNDER;
    return (vu)rounded - ROUNDER_BITS;
}

/* ---- one row (a phase, the sum of the phases, or a single element) of n meters from meter m on ---- */
LIBRARY_INLINE fleet_result NAME(row)(const fleet_job *job, size_t m, size_t n, enum row row, int single,
                                      enum mode mode) {
    const size_t meters = job->meters, stride = row == ALONE ? meters : PHASES * meters;
    const vd active_factor = NAME(doubles)(job->active_factor + m, n);
    const vd reactive_factor = NAME(doubles)(job->reactive_factor + m, n);
    const vd starting_active = NAME(doubles)(job->starting_active + m, n);
    const vd starting_reactive = NAME(doubles)(job->starting_reactive + m, n);
    vu import = {0}, export = {0}, q1 = {0}, q2 = {0}, q3 = {0}, q4 = {0}, range = {0};
    size_t at = m + (row <= PHASE_C ? (size_t)row * meters : 0);

    for (size_t step = 0; step < job->steps; step++, at += stride) {
        vd p = NAME(powers)(job->active, at, n, single), q = NAME(powers)(job->reactive, at, n, single);
        if (row == SUM_OF_PHASES) {
            p = NAME(started)(p, starting_active);
            p += NAME(started)(NAME(powers)(job->active, at + meters, n, single), starting_active);
            p += NAME(started)(NAME(powers)(job->active, at + 2 * meters, n, single), starting_active);
            q = NAME(started)(q, starting_reactive);
            q += NAME(started)(NAME(powers)(job->reactive, at + meters, n, single), starting_reactive);
            q += NAME(started)(NAME(powers)(job->reactive, at + 2 * meters, n, single), starting_reactive);
        }
        if (!NAME(any_sign)((vd)((vu)p | (vu)q))) {
            if (row != SUM_OF_PHASES) {
                p = NAME(keep)(NAME(not_below)(p, starting_active), p);
                q = NAME(keep)(NAME(not_below)(q, starting_reactive), q);
            }
            vu ip = NAME(increments)(p, active_factor), iq = NAME(increments)(q, reactive_factor);
            range |= ip | iq;
            import += ip;
            q1 += iq;
        } else {
            if (row != SUM_OF_PHASES) {
                p = NAME(started)(p, starting_active);
                q = NAME(started)(q, starting_reactive);
            }
            mask back = NAME(negative)(p), down = NAME(negative)(q);
            vu ip = NAME(increments)(NAME(magnitude)(p), active_factor);
            vu iq = NAME(increments)(NAME(magnitude)(q), reactive_factor);
            range |= ip | iq;
            import = NAME(add_where)(import, NAME(not)(back), ip);
            export = NAME(add_where)(export, back, ip);
            q1 = NAME(add_where)(q1, NAME(neither)(back, down), iq);
            q2 = NAME(add_where)(q2, NAME(only_second)(down, back), iq);
            q3 = NAME(add_where)(q3, NAME(both)(back, down), iq);
            q4 = NAME(add_where)(q4, NAME(only_second)(back, down), iq);
        }
    }

    fleet_result result = {DONE, row, m, m};
    const vu beyond = range >> INCREMENT_BITS;
    if (NAME(any_bit)(beyond)) {
        for (size_t lane = n; lane-- > 0;)
            if (beyond[lane]) result.meter = m + lane;
        result.outcome = OUT_OF_RANGE;
        return result;
    }
    if (mode == CHECK) return result;

    const vu sums[REGISTERS] = {import, export, q1, q2, q3, q4};
    const size_t width = row <= PHASE_C ? PHASES * meters : meters;
    int64_t *const first = row <= PHASE_C ? job->phases + (size_t)row * meters + m : job->totals + m;
    vu full = {0};
    if (mode == ADD) {
        for (size_t r = 0; r < REGISTERS; r++) {
            if (!NAME(any_bit)(sums[r])) continue;
            vu old = {0};
            memcpy(&old, first + r * width, n * sizeof(int64_t));
            full |= old + sums[r];
        }
        const vu sign = full >> 63;
        if (NAME(any_bit)(sign)) {
            for (size_t lane = n; lane-- > 0;)
                if (sign[lane]) result.meter = m + lane;
            result.outcome = NO_ROOM;
            return result;
        }
    }
    for (size_t r = 0; r < REGISTERS; r++) {
        if (!NAME(any_bit)(sums[r])) continue;
        vu sum = {0};
        memcpy(&sum, first + r * width, n * sizeof(int64_t));
        sum = mode == ADD ? sum + sums[r] : sum - sums[r];
        memcpy(first + r * width, &sum, n * sizeof(int64_t));
    }
    return result;
}

/* All rows of n meters; when one row fails, the rows already stored are taken back. */
LIBRARY_INLINE fleet_result NAME(lane)(const fleet_job *job, size_t m, size_t n, int single, enum mode mode) {
    if (!job->phases) return NAME(row)(job, m, n, ALONE, single, mode);
    fleet_result result = NAME(row)(job, m, n, PHASE_A, single, mode);
    if (result.outcome != DONE) return result;
    result = NAME(row)(job, m, n, PHASE_B, single, mode);
    if (result.outcome == DONE) {
        result = NAME(row)(job, m, n, PHASE_C, single, mode);
        if (result.outcome == DONE) {
            result = NAME(row)(job, m, n, SUM_OF_PHASES, single, mode);
            if (result.outcome == DONE || mode != ADD) return result;
            NAME(row)(job, m, n, PHASE_C, single, UNDO);
        }
        if (mode == ADD) NAME(row)(job, m, n, PHASE_B, single, UNDO);
    }
    if (mode == ADD) NAME(row)(job, m, n, PHASE_A, single, UNDO);
    return result;
}

static fleet_result NAME(span)(const fleet_job *job, size_t first, size_t last, enum mode mode) {
    fleet_result result = {DONE, ALONE, first, first};
    size_t m = first;
    for (; last - m >= W && result.outcome == DONE; m += W)
        result = job->single ? NAME(lane)(job, m, W, 1, mode) : NAME(lane)(job, m, W, 0, mode);
    if (result.outcome == DONE && m < last) result = NAME(lane)(job, m, last - m, job->single, mode);
    return result;
}

#undef vd
#undef vu
#undef vf
#undef mask
#undef NAME
#undef W
