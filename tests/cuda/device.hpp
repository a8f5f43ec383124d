// A stand-in for a GPU: what kernels use of CUDA, on threads of the processor. The blocks of a launch run one after
// another, the threads of a block at the same time and as they like but for barriers, so that a sanitizer finds what one
// of them forgets. What is not a number fills shared memory before each block.
#pragma once

#include <barrier>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include <sanitizer/asan_interface.h>

#define __device__
#define __global__
#define __shared__
#define __launch_bounds__(threads)

struct Dimensions {
    unsigned x = 1, y = 1, z = 1;
};

inline Dimensions gridDim, blockDim;
inline thread_local Dimensions blockIdx, threadIdx;

// All that a block may share; a kernel calls its part of it `room`.
inline constexpr std::size_t SHARED = 12 * 1024;
inline float room[SHARED];

struct Warp {
    std::barrier<> together{32};
    float given[32];
};

inline std::barrier<> *block_together;
inline thread_local Warp *warp_of_thread;

inline void __syncthreads() { block_together->arrive_and_wait(); }
inline void __syncwarp() { warp_of_thread->together.arrive_and_wait(); }

inline float __shfl_xor_sync(unsigned, float x, int apart) {
    Warp &warp = *warp_of_thread;
    unsigned lane = threadIdx.x % 32;
    warp.given[lane] = x;
    warp.together.arrive_and_wait();
    float other = warp.given[lane ^ apart];
    warp.together.arrive_and_wait();
    return other;
}

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

// Runs `kernel` on `grid` blocks of `threads` that share `shared` floats.
template <class Kernel> void launch(Dimensions grid, unsigned threads, std::size_t shared, Kernel kernel) {
    gridDim = grid;
    blockDim = {threads};
    std::barrier<> together(threads), between(threads);
    block_together = &together;
    std::vector<std::unique_ptr<Warp>> warps;
    for (unsigned warp = 0; warp < threads / 32; warp++) warps.push_back(std::make_unique<Warp>());
    ASAN_POISON_MEMORY_REGION(room + shared, (SHARED - shared) * sizeof(float));
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; thread++) {
        running.emplace_back([&, thread] {
            threadIdx = {thread, 0, 0};
            warp_of_thread = warps[thread / 32].get();
            for (unsigned y = 0; y < grid.y; y++) {
                for (unsigned x = 0; x < grid.x; x++) {
                    blockIdx = {x, y, 0};
                    for (std::size_t at = thread; at < shared; at += threads) {
                        room[at] = std::numeric_limits<float>::quiet_NaN();
                    }
                    between.arrive_and_wait();
                    kernel();
                    between.arrive_and_wait();
                }
            }
        });
    }
    for (std::thread &one : running) one.join();
    ASAN_UNPOISON_MEMORY_REGION(room, sizeof(room));
}
