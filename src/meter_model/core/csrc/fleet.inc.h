/* The fleet kernel for vectors of W doubles; included once per instruction set (see dispatch.h), so without a guard.
 *
 * A tile of meters is swept in order of time, BATCH steps at once, so that memory is read in long runs while the sums of
 * the tile stay in the first cache.  The accumulators are touched once per block, and only those that changed.  Meters
 * that import in the first quadrant, by far the most usual case, take the short path.
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
LIBRARY_INLINE vd NAME(product_where)(mask m, vd x, vd y) {
    return (vd)_mm512_maskz_mul_pd(m, (__m512d)x, (__m512d)y);
}
LIBRARY_INLINE vd NAME(lesser)(vd x, vd y) { return (vd)_mm512_min_pd((__m512d)x, (__m512d)y); }
LIBRARY_INLINE int NAME(all_reach)(vd x, vd s, vd y, vd t) {
    return _mm512_mask_cmp_pd_mask(_mm512_cmp_pd_mask((__m512d)x, (__m512d)s, _CMP_GE_OQ), (__m512d)y, (__m512d)t,
                                   _CMP_GE_OQ) == 0xff;
}
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
LIBRARY_INLINE vd NAME(product_where)(mask m, vd x, vd y) { return (vd)((vu)(x * y) & m); }
LIBRARY_INLINE vd NAME(lesser)(vd x, vd y) {
#if W == 4
    return (vd)_mm256_min_pd((__m256d)x, (__m256d)y);
#elif defined(__SSE2__)
    return (vd)_mm_min_pd((__m128d)x, (__m128d)y);
#else
    const vu less = (vu)(x < y);
    return (vd)(((vu)x & less) | ((vu)y & ~less));
#endif
}
LIBRARY_INLINE int NAME(all_reach)(vd x, vd s, vd y, vd t) {
    const vu reach = (vu)(x >= s) & (vu)(y >= t);
    return !NAME(any_sign)((vd)~reach);
}
LIBRARY_INLINE vu NAME(add_where)(vu sum, mask m, vu x) { return sum + (x & m); }
#endif

/* ---- loads of n <= W lanes; lanes beyond n read as zero, which registers nothing ---- */
LIBRARY_INLINE vd NAME(doubles)(const double *from, size_t n) {
    vd x = {0};
    if (n == W) {
        memcpy(&x, from, sizeof x);
        return x;
    }
#if W == 8
    return (vd)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), from);
#elif W == 4
    const __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
    return (vd)_mm256_maskload_pd(from, lanes);
#else
    for (size_t lane = 0; lane < n; lane++) x[lane] = from[lane];
    return x;
#endif
}

LIBRARY_INLINE vd NAME(floats)(const float *from, size_t n) {
    vf x = {0};
    if (n == W) {
        memcpy(&x, from, sizeof x);
        return __builtin_convertvector(x, vd);
    }
#if W == 8
    x = (vf)_mm256_maskz_loadu_ps((__mmask8)((1u << n) - 1), from);
#elif W == 4
    x = (vf)_mm_maskload_ps(from, _mm_cmpgt_epi32(_mm_set1_epi32((int)n), _mm_setr_epi32(0, 1, 2, 3)));
#else
    for (size_t lane = 0; lane < n; lane++) x[lane] = from[lane];
#endif
    return __builtin_convertvector(x, vd);
}

LIBRARY_INLINE vd NAME(powers)(const void *from, size_t at, size_t n, int single) {
    return single ? NAME(floats)((const float *)from + at, n) : NAME(doubles)((const double *)from + at, n);
}

LIBRARY_INLINE vd NAME(magnitude)(vd x) { return (vd)((vu)x & ~((vu){0} + (UINT64_C(1) << 63))); }

/* The power, or zero below the starting threshold. */
LIBRARY_INLINE vd NAME(started)(vd x, vd starting) {
    return NAME(keep)(NAME(not_below)(NAME(magnitude)(x), starting), x);
}

LIBRARY_INLINE vu NAME(load_sum)(const uint64_t *from) {
    vu x;
    memcpy(&x, from, sizeof x);
    return x;
}

LIBRARY_INLINE void NAME(store_sum)(uint64_t *to, vu x) { memcpy(to, &x, sizeof x); }

/* ---- what a vector of meters does in up to BATCH steps ---- */

/* Sums of one tile.  Import and QI take the bits of the rounded products as they are and so run ahead by ROUNDER_BITS
 * for each step, modulo 2^64, until the end; the other four count from zero and hold nothing before mixed is set. */
typedef struct {
    uint64_t sums[REGISTERS][TILE];
    int mixed;
} __attribute__((aligned(64))) NAME(tile);

typedef struct {
    vd active_factor, reactive_factor, starting_active, starting_reactive;
} NAME(constants);

typedef struct {
    vd p[BATCH], q[BATCH];
} NAME(block);

/* All powers import in the first quadrant; those below the threshold, if there are any, count as zero. */
LIBRARY_INLINE vu NAME(add_forward)(NAME(tile) *tile, size_t v, const NAME(block) *block, const NAME(constants) *k,
                                    int count, int below) {
    vu import = NAME(load_sum)(&tile->sums[IMPORT][v]), q1 = NAME(load_sum)(&tile->sums[Q1][v]), range = {0};
    for (int i = 0; i < count; i++) {
        vd p = block->p[i], q = block->q[i];
        p = below ? NAME(product_where)(NAME(not_below)(p, k->starting_active), p, k->active_factor)
                  : p * k->active_factor;
        q = below ? NAME(product_where)(NAME(not_below)(q, k->starting_reactive), q, k->reactive_factor)
                  : q * k->reactive_factor;
        const vu ip = (vu)(p + ROUNDER), iq = (vu)(q + ROUNDER);
        range |= ip | iq;
        import += ip;
        q1 += iq;
    }
    NAME(store_sum)(&tile->sums[IMPORT][v], import);
    NAME(store_sum)(&tile->sums[Q1][v], q1);
    return range;
}

/* Any quadrant. */
LIBRARY_INLINE vu NAME(add_mixed)(NAME(tile) *tile, size_t v, const NAME(block) *block, const NAME(constants) *k,
                                  int count) {
    if (!tile->mixed) {
        memset(tile->sums[EXPORT], 0, sizeof tile->sums[EXPORT]);
        memset(tile->sums[Q2], 0, sizeof tile->sums[Q2]);
        memset(tile->sums[Q3], 0, sizeof tile->sums[Q3]);
        memset(tile->sums[Q4], 0, sizeof tile->sums[Q4]);
        tile->mixed = 1;
    }
    vu import = NAME(load_sum)(&tile->sums[IMPORT][v]), export = NAME(load_sum)(&tile->sums[EXPORT][v]);
    vu q1 = NAME(load_sum)(&tile->sums[Q1][v]), q2 = NAME(load_sum)(&tile->sums[Q2][v]);
    vu q3 = NAME(load_sum)(&tile->sums[Q3][v]), q4 = NAME(load_sum)(&tile->sums[Q4][v]), range = {0};
    for (int i = 0; i < count; i++) {
        const vd p = NAME(started)(block->p[i], k->starting_active);
        const vd q = NAME(started)(block->q[i], k->starting_reactive);
        const mask back = NAME(negative)(p), down = NAME(negative)(q);
        vu ip = (vu)(NAME(magnitude)(p) * k->active_factor + ROUNDER);
        vu iq = (vu)(NAME(magnitude)(q) * k->reactive_factor + ROUNDER);
        range |= ip | iq;
        ip -= ROUNDER_BITS;
        iq -= ROUNDER_BITS;
        import = NAME(add_where)(import + ROUNDER_BITS, NAME(not)(back), ip);
        export = NAME(add_where)(export, back, ip);
        q1 = NAME(add_where)(q1 + ROUNDER_BITS, NAME(neither)(back, down), iq);
        q2 = NAME(add_where)(q2, NAME(only_second)(down, back), iq);
        q3 = NAME(add_where)(q3, NAME(both)(back, down), iq);
        q4 = NAME(add_where)(q4, NAME(only_second)(back, down), iq);
    }
    NAME(store_sum)(&tile->sums[IMPORT][v], import);
    NAME(store_sum)(&tile->sums[EXPORT][v], export);
    NAME(store_sum)(&tile->sums[Q1][v], q1);
    NAME(store_sum)(&tile->sums[Q2][v], q2);
    NAME(store_sum)(&tile->sums[Q3][v], q3);
    NAME(store_sum)(&tile->sums[Q4][v], q4);
    return range;
}

/* One step of the sum of the phases, each phase held against its threshold first. */
LIBRARY_INLINE vd NAME(sum_of_phases)(const void *from, size_t at, size_t meters, size_t n, int single, vd starting) {
    vd sum = NAME(started)(NAME(powers)(from, at, n, single), starting);
    sum += NAME(started)(NAME(powers)(from, at + meters, n, single), starting);
    return sum + NAME(started)(NAME(powers)(from, at + 2 * meters, n, single), starting);
}

/* The n meters from m on, whose sums lie at v of the tile; their powers begin at element at. */
LIBRARY_INLINE vu NAME(batch)(const fleet_job *job, NAME(tile) *tile, size_t m, size_t v, size_t n, size_t at,
                              size_t stride, int sum, int single, int count) {
    NAME(constants) k = {
        NAME(doubles)(job->active_factor + m, n),
        NAME(doubles)(job->reactive_factor + m, n),
        NAME(doubles)(job->starting_active + m, n),
        NAME(doubles)(job->starting_reactive + m, n),
    };
    NAME(block) block;
    for (int i = 0; i < count; i++, at += stride) {
        if (sum) {
            block.p[i] = NAME(sum_of_phases)(job->active, at, job->meters, n, single, k.starting_active);
            block.q[i] = NAME(sum_of_phases)(job->reactive, at, job->meters, n, single, k.starting_reactive);
        } else {
            block.p[i] = NAME(powers)(job->active, at, n, single);
            block.q[i] = NAME(powers)(job->reactive, at, n, single);
        }
    }
    if (sum) k.starting_active = k.starting_reactive = (vd){0};

    vd p = block.p[0], q = block.q[0];
    for (int i = 1; i < count; i++) {
        p = NAME(lesser)(p, block.p[i]);
        q = NAME(lesser)(q, block.q[i]);
    }
    if (NAME(all_reach)(p, k.starting_active, q, k.starting_reactive))
        return NAME(add_forward)(tile, v, &block, &k, count, 0);
    vu signs = {0};
    for (int i = 0; i < count; i++) signs |= (vu)block.p[i] | (vu)block.q[i];
    if (!NAME(any_sign)((vd)signs)) return NAME(add_forward)(tile, v, &block, &k, count, 1);
    return NAME(add_mixed)(tile, v, &block, &k, count);
}

/* ---- all steps of a tile of n meters from m on; the answer is the bits of all rounded products, or-ed ---- */

LIBRARY_INLINE void NAME(fetch)(const void *from, size_t at, int single) {
    __builtin_prefetch((const void *)((uintptr_t)from + at * (single ? sizeof(float) : sizeof(double))), 0, 2);
}

/* In a block larger than the caches each batch asks for what the next one needs: the next steps of the same meters, at
 * the end those at element follow. */
LIBRARY_INLINE vu NAME(sweep)(const fleet_job *job, NAME(tile) *tile, size_t m, size_t n, size_t at, size_t stride,
                              size_t follow, int sum, int single) {
    const size_t whole = n - n % W;
    vu range = {0};
    size_t step = 0;
    for (; step + BATCH <= job->steps; step += BATCH, at += BATCH * stride) {
        const size_t next = step + 2 * BATCH <= job->steps ? at + BATCH * stride : follow;
        for (size_t v = 0; v < whole; v += W) {
            if (job->far && !sum)
                for (size_t i = 0; i < BATCH; i++) {
                    NAME(fetch)(job->active, next + i * stride + v, single);
                    NAME(fetch)(job->reactive, next + i * stride + v, single);
                }
            range |= NAME(batch)(job, tile, m + v, v, W, at + v, stride, sum, single, BATCH);
        }
    }
    for (; step < job->steps; step++, at += stride)
        for (size_t v = 0; v < whole; v += W)
            range |= NAME(batch)(job, tile, m + v, v, W, at + v, stride, sum, single, 1);
    return range;
}

/* The last meters of a tile, fewer than a vector. */
static __attribute__((noinline)) void NAME(rest)(const fleet_job *job, NAME(tile) *tile, size_t m, size_t v, size_t n,
                                                 size_t at, size_t stride, int sum, vu *range) {
    size_t step = 0;
    for (; step + BATCH <= job->steps; step += BATCH, at += BATCH * stride)
        *range |= NAME(batch)(job, tile, m, v, n, at, stride, sum, job->single, BATCH);
    for (; step < job->steps; step++, at += stride)
        *range |= NAME(batch)(job, tile, m, v, n, at, stride, sum, job->single, 1);
}

static void NAME(swept)(const fleet_job *job, NAME(tile) *tile, size_t m, size_t n, enum row row, vu *range) {
    const int sum = row == SUM_OF_PHASES;
    const size_t stride = row == ALONE ? job->meters : PHASES * job->meters;
    const size_t at = m + (row <= PHASE_C ? (size_t)row * job->meters : 0), rest = n % W;
    const size_t follow = row < PHASE_C ? at + job->meters : m + TILE;
    tile->mixed = 0;
    memset(tile->sums[IMPORT], 0, (n - rest + W) * sizeof(uint64_t));
    memset(tile->sums[Q1], 0, (n - rest + W) * sizeof(uint64_t));
    if (sum)
        *range = job->single ? NAME(sweep)(job, tile, m, n, at, stride, follow, 1, 1)
                             : NAME(sweep)(job, tile, m, n, at, stride, follow, 1, 0);
    else
        *range = job->single ? NAME(sweep)(job, tile, m, n, at, stride, follow, 0, 1)
                             : NAME(sweep)(job, tile, m, n, at, stride, follow, 0, 0);
    if (rest) NAME(rest)(job, tile, m + n - rest, n - rest, rest, at + n - rest, stride, sum, range);
    const uint64_t ahead = (uint64_t)job->steps * ROUNDER_BITS;
    for (size_t v = 0; v < n; v++) {
        tile->sums[IMPORT][v] -= ahead;
        tile->sums[Q1][v] -= ahead;
    }
}

/* Sums of 2^52 + 2^51 to 2^53 share their high bits with the constant; anything else above it has one that it has not. */
LIBRARY_INLINE int NAME(out_of_range)(vu range) {
    return NAME(any_bit)((range & ~((vu){0} + ROUNDER_BITS)) >> INCREMENT_BITS);
}

/* The first meter of a tile that is out of range. */
static size_t NAME(culprit)(const fleet_job *job, NAME(tile) *tile, size_t m, size_t n, enum row row) {
    for (size_t i = 0; i < n; i++) {
        vu range;
        NAME(swept)(job, tile, m + i, 1, row, &range);
        if (NAME(out_of_range)(range)) return m + i;
    }
    return m;
}

/* One row (a phase, the sum of the phases, or a single element) of a tile: summed, looked at, then stored. */
static fleet_result NAME(row)(const fleet_job *job, size_t m, size_t n, enum row row, enum mode mode) {
    NAME(tile) tile;
    fleet_result result = {DONE, row, m, m};
    vu range;
    NAME(swept)(job, &tile, m, n, row, &range);
    if (NAME(out_of_range)(range)) {
        result.outcome = OUT_OF_RANGE;
        result.meter = NAME(culprit)(job, &tile, m, n, row);
        return result;
    }
    if (mode == CHECK) return result;

    const size_t width = row <= PHASE_C ? PHASES * job->meters : job->meters;
    int64_t *const first = row <= PHASE_C ? job->phases + (size_t)row * job->meters + m : job->totals + m;
    int changed[REGISTERS] = {0};
    for (size_t r = 0; r < REGISTERS; r++) {
        if (!tile.mixed && r != IMPORT && r != Q1) continue;
        uint64_t any = 0, full = 0;
        for (size_t v = 0; v < n; v++) {
            any |= tile.sums[r][v];
            full |= tile.sums[r][v] + (uint64_t)first[r * width + v];
        }
        changed[r] = any != 0;
        if (!any || mode == UNDO || full >> 63 == 0) continue;
        size_t v = 0;
        while ((tile.sums[r][v] + (uint64_t)first[r * width + v]) >> 63 == 0 && v + 1 < n) v++;
        result.outcome = NO_ROOM;
        result.meter = m + v;
        return result;
    }
    for (size_t r = 0; r < REGISTERS; r++) {
        int64_t *const to = first + r * width;
        if (!changed[r]) continue;
        for (size_t v = 0; v < n; v++) {
            const uint64_t add = mode == ADD ? tile.sums[r][v] : -tile.sums[r][v];
            to[v] = (int64_t)((uint64_t)to[v] + add);
        }
    }
    return result;
}

/* The number of meters before the first that has a constant with a minus sign; n if there is none. */
static size_t NAME(proper)(const fleet_job *job, size_t m, size_t n) {
    const double *constants[] = {job->active_factor, job->reactive_factor, job->starting_active, job->starting_reactive};
    size_t proper = n;
    for (int i = 0; i < 4; i++) {
        uint64_t bits, all = 0;
        for (size_t v = 0; v < n; v++) {
            memcpy(&bits, &constants[i][m + v], sizeof bits);
            all |= bits;
        }
        if (all >> 63 == 0) continue;
        for (size_t v = 0; v < proper; v++) {
            memcpy(&bits, &constants[i][m + v], sizeof bits);
            if (bits >> 63) proper = v;
        }
    }
    return proper;
}

/* All rows of a tile; when one fails, those already stored are taken back. */
static fleet_result NAME(rows)(const fleet_job *job, size_t m, size_t n, enum mode mode) {
    const size_t proper = NAME(proper)(job, m, n);
    if (proper < n) return (fleet_result){NEGATIVE_CONSTANT, PHASE_A, m, m + proper};
    if (!job->phases) return NAME(row)(job, m, n, ALONE, mode);
    fleet_result result = {DONE, PHASE_A, m, m};
    for (int row = PHASE_A; row <= SUM_OF_PHASES; row++) {
        result = NAME(row)(job, m, n, (enum row)row, mode);
        if (result.outcome == DONE) continue;
        while (mode == ADD && --row >= PHASE_A) NAME(row)(job, m, n, (enum row)row, UNDO);
        break;
    }
    return result;
}

/* The first tile is cut so that the vectors of the others do not straddle cache lines. */
static fleet_result NAME(span)(const fleet_job *job, size_t first, size_t last, enum mode mode) {
    const size_t size = job->single ? sizeof(float) : sizeof(double);
    const size_t before = (-((uintptr_t)job->active + first * size) & (W * size - 1)) / size;
    fleet_result result = {DONE, ALONE, first, first};
    for (size_t m = first, n; m < last && result.outcome == DONE; m += n) {
        n = m == first && before ? before : TILE;
        if (n > last - m) n = last - m;
        result = NAME(rows)(job, m, n, mode);
    }
    return result;
}

#undef vd
#undef vu
#undef vf
#undef mask
#undef NAME
#undef W
