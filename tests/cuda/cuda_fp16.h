#pragma once
#include "device.hpp"

// Half precision, as of CUDA.
struct __half {
    _Float16 number;
};
inline float __half2float(__half x) { return (float)x.number; }
inline __half __float2half(float x) { return {(_Float16)x}; }
