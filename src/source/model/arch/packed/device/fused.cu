// Steps between the matrix products of a layer, each in one launch, for states without padding in 32 or 16 bits.
// Sums, norms, softmax and GELU are in 32 bits; what is read and written is of the states' numbers.
//
// Contracts: matrices are row by row without gaps and begin at addresses divisible by 16 (as every allocation does);
// what the kernels without sequences move goes in packs of 16 bytes, so that a row must be of whole packs.
// `fused.rs` launches these and checks that; `tests/kernels.rs` holds them to their definitions on the processor.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

// The threads of a block; as many rows or queries at once as it has warps.
#define WARP 32
#define WARPS 4

template <class T> struct Number;
template <> struct Number<float> {
    static __device__ float read(float x) { return x; }
    static __device__ float write(float x) { return x; }
};
template <> struct Number<__half> {
    static __device__ float read(__half x) { return __half2float(x); }
    static __device__ __half write(float x) { return __float2half(x); }
};
template <> struct Number<__nv_bfloat16> {
    static __device__ float read(__nv_bfloat16 x) { return __bfloat162float(x); }
    static __device__ __nv_bfloat16 write(float x) { return __float2bfloat16(x); }
};

// What is moved at once.
template <class T> struct alignas(16) Pack {
    static constexpr unsigned SIZE = 16 / sizeof(T);
    T numbers[SIZE];
};

__device__ inline float warp_sum(float x) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
    return x;
}

__device__ inline float warp_max(float x) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, apart));
    return x;
}

// x <- GELU(x + bias), the exact form (Hendrycks and Gimpel 2016, arXiv:1606.08415), for `packs` packs of `x`, of which a
// row has `columns`. Any grid.
template <class T>
__device__ void bias_gelu(T *x, const T *bias, unsigned long long packs, unsigned columns) {
    Pack<T> *at_once = reinterpret_cast<Pack<T> *>(x);
    const Pack<T> *biases = reinterpret_cast<const Pack<T> *>(bias);
    unsigned long long step = (unsigned long long)gridDim.x * blockDim.x;
    for (unsigned long long at = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; at < packs; at += step) {
        Pack<T> pack = at_once[at];
        const Pack<T> added = biases[at % columns];
        for (unsigned i = 0; i < Pack<T>::SIZE; i++) {
            float value = Number<T>::read(pack.numbers[i]) + Number<T>::read(added.numbers[i]);
            pack.numbers[i] = Number<T>::write(0.5f * value * (1.0f + erff(value * 0.70710678f)));
        }
        at_once[at] = pack;
    }
}

// x <- norm(x + bias + residual), layer norm (Ba et al. 2016, arXiv:1607.06450) of each of `rows` rows of `width`.
// `learnt` holds the bias, the norm's weight and its bias, `width` each. A warp a row, blocks for all rows; a float for
// each number of WARPS rows of shared memory.
template <class T>
__device__ void sum_norm(T *x, const T *residual, const T *learnt, unsigned rows, unsigned width, float epsilon) {
    extern __shared__ float room[];
    const unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const unsigned row = blockIdx.x * WARPS + warp;
    if (row >= rows) return;
    const unsigned packs = width / Pack<T>::SIZE;
    Pack<T> *states = reinterpret_cast<Pack<T> *>(x + (unsigned long long)row * width);
    const Pack<T> *others = reinterpret_cast<const Pack<T> *>(residual + (unsigned long long)row * width);
    const Pack<T> *biases = reinterpret_cast<const Pack<T> *>(learnt);
    const Pack<T> *weights = biases + packs, *shifts = weights + packs;
    // A lane reads what it wrote, and nobody else does; side by side lies what the lanes write at once.
    float *sums = room + warp * width;
    float total = 0.0f;
    for (unsigned at = lane; at < packs; at += WARP) {
        const Pack<T> state = states[at], other = others[at], bias = biases[at];
        for (unsigned i = 0; i < Pack<T>::SIZE; i++) {
            float sum = Number<T>::read(state.numbers[i]) + Number<T>::read(bias.numbers[i]) +
                        Number<T>::read(other.numbers[i]);
            sums[i * packs + at] = sum;
            total += sum;
        }
    }
    const float mean = warp_sum(total) / width;
    float squares = 0.0f;
    for (unsigned at = lane; at < packs; at += WARP) {
        for (unsigned i = 0; i < Pack<T>::SIZE; i++) {
            float far = sums[i * packs + at] - mean;
            squares += far * far;
        }
    }
    const float scale = rsqrtf(warp_sum(squares) / width + epsilon);
    for (unsigned at = lane; at < packs; at += WARP) {
        const Pack<T> weight = weights[at], shift = shifts[at];
        Pack<T> state;
        for (unsigned i = 0; i < Pack<T>::SIZE; i++) {
            float normal = (sums[i * packs + at] - mean) * scale;
            state.numbers[i] = Number<T>::write(normal * Number<T>::read(weight.numbers[i]) +
                                                Number<T>::read(shift.numbers[i]));
        }
        states[at] = state;
    }
}

// Attention (Vaswani et al. 2017, arXiv:1706.03762) of short sequences one after another, `starts[s]` to
// `starts[s + 1]`: `projected` holds queries, keys and values beside each other, to which `bias` is added, each of
// `heads` heads of `width`; scores are taken as they are, not divided. What the queries gather goes to `context`.
// A block a sequence and head; shared memory for the keys and values of the `longest` sequence and, for each warp, a query
// and its weights: longest * (2 * width + 1) + WARPS * (width + longest) floats.
template <class T>
__device__ void attention(T *context, const T *projected, const T *bias, const unsigned *starts, unsigned heads,
                          unsigned width, unsigned longest) {
    extern __shared__ float room[];
    const unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, head = blockIdx.y;
    const unsigned first = starts[blockIdx.x], length = starts[blockIdx.x + 1] - first;
    const unsigned hidden = heads * width;
    // Keys lie a float further apart than they are wide, so that lanes that read a key each read from banks of their own.
    float *keys = room, *values = keys + longest * (width + 1);
    float *query = values + longest * width + warp * (width + longest), *weights = query + width;
    for (unsigned at = threadIdx.x; at < length * width; at += WARP * WARPS) {
        const unsigned key = at / width, column = head * width + at % width;
        const T *row = projected + (unsigned long long)(first + key) * 3 * hidden + column;
        keys[key * (width + 1) + at % width] = Number<T>::read(row[hidden]) + Number<T>::read(bias[hidden + column]);
        values[at] = Number<T>::read(row[2 * hidden]) + Number<T>::read(bias[2 * hidden + column]);
    }
    __syncthreads();
    for (unsigned position = warp; position < length; position += WARPS) {
        const unsigned long long row = first + position;
        for (unsigned i = lane; i < width; i += WARP) {
            const unsigned column = head * width + i;
            query[i] = Number<T>::read(projected[row * 3 * hidden + column]) + Number<T>::read(bias[column]);
        }
        __syncwarp();
        float largest = -INFINITY;
        for (unsigned key = lane; key < length; key += WARP) {
            float score = 0.0f;
            for (unsigned i = 0; i < width; i++) score += query[i] * keys[key * (width + 1) + i];
            weights[key] = score;
            largest = fmaxf(largest, score);
        }
        largest = warp_max(largest);
        float total = 0.0f;
        for (unsigned key = lane; key < length; key += WARP) {
            const float weight = expf(weights[key] - largest);
            weights[key] = weight;
            total += weight;
        }
        const float scale = 1.0f / warp_sum(total);
        __syncwarp();
        for (unsigned i = lane; i < width; i += WARP) {
            float gathered = 0.0f;
            for (unsigned key = 0; key < length; key++) gathered += weights[key] * values[key * width + i];
            context[row * hidden + head * width + i] = Number<T>::write(gathered * scale);
        }
        // The next query must not be written while this one is read.
        __syncwarp();
    }
}

#define KERNELS(T, SUFFIX)                                                                                            \
    extern "C" __global__ void __launch_bounds__(WARP *WARPS)                                                         \
        bias_gelu_##SUFFIX(T *x, const T *bias, unsigned long long packs, unsigned columns) {                         \
        bias_gelu(x, bias, packs, columns);                                                                           \
    }                                                                                                                 \
    extern "C" __global__ void __launch_bounds__(WARP *WARPS)                                                         \
        sum_norm_##SUFFIX(T *x, const T *residual, const T *learnt, unsigned rows, unsigned width, float epsilon) {   \
        sum_norm(x, residual, learnt, rows, width, epsilon);                                                          \
    }                                                                                                                 \
    extern "C" __global__ void __launch_bounds__(WARP *WARPS)                                                         \
        attention_##SUFFIX(T *context, const T *projected, const T *bias, const unsigned *starts, unsigned heads,     \
                           unsigned width, unsigned longest) {                                                        \
        attention(context, projected, bias, starts, heads, width, longest);                                           \
    }

KERNELS(float, f32)
KERNELS(__half, f16)
KERNELS(__nv_bfloat16, bf16)
