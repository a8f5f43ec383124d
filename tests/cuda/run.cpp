// Runs a kernel of ours on the stand-in for a GPU:
//     run KERNEL NUMBERS BLOCKS_X BLOCKS_Y SHARED ARGUMENT...
// NUMBERS is f32, f16 or bf16, SHARED counts floats; the arguments are those of the kernel that are no matrices.
// Standard input holds its matrices as floats, standard output what it made, as floats.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../../src/source/model/arch/packed/device/fused.cu"

// The next matrix of standard input. It is as large as it is: what is read beyond it is found.
template <class T> static std::vector<T> matrix(std::size_t size) {
    std::vector<float> floats(size);
    if (std::fread(floats.data(), sizeof(float), size, stdin) != size) std::exit(3);
    std::vector<T> numbers;
    numbers.reserve(size);
    for (float number : floats) numbers.push_back(Number<T>::write(number));
    return numbers;
}

template <class T> static void write(const std::vector<T> &numbers) {
    for (T number : numbers) {
        float value = Number<T>::read(number);
        std::fwrite(&value, sizeof(float), 1, stdout);
    }
}

template <class T> static int run(const std::string &kernel, Dimensions grid, std::size_t shared, char **arguments) {
    auto count = [&](int number) { return (unsigned)std::strtoul(arguments[number], nullptr, 10); };
    const unsigned threads = WARP * WARPS;
    if (kernel == "bias_gelu") {
        unsigned rows = count(0), width = count(1), pack = Pack<T>::SIZE;
        auto x = matrix<T>(rows * width), bias = matrix<T>(width);
        launch(grid, threads, shared, [&] { bias_gelu(x.data(), bias.data(), rows * width / pack, width / pack); });
        write(x);
    } else if (kernel == "sum_norm") {
        unsigned rows = count(0), width = count(1);
        float epsilon = std::strtof(arguments[2], nullptr);
        auto x = matrix<T>(rows * width), residual = matrix<T>(rows * width), learnt = matrix<T>(3 * width);
        launch(grid, threads, shared,
               [&] { sum_norm(x.data(), residual.data(), learnt.data(), rows, width, epsilon); });
        write(x);
    } else if (kernel == "attention") {
        unsigned heads = count(0), width = count(1), longest = count(2);
        std::vector<unsigned> starts{0};
        for (unsigned at = 0; at < grid.x; at++) starts.push_back(starts.back() + count(3 + at));
        std::size_t hidden = heads * width, rows = starts.back();
        auto projected = matrix<T>(rows * 3 * hidden), bias = matrix<T>(3 * hidden);
        std::vector<T> context(rows * hidden, Number<T>::write(std::numeric_limits<float>::quiet_NaN()));
        launch(grid, threads, shared, [&] {
            attention(context.data(), projected.data(), bias.data(), starts.data(), heads, width, longest);
        });
        write(context);
    } else {
        return 2;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count < 6) return 2;
    std::string numbers = arguments[2];
    Dimensions grid{(unsigned)std::atoi(arguments[3]), (unsigned)std::atoi(arguments[4])};
    std::size_t shared = std::strtoul(arguments[5], nullptr, 10);
    if (numbers == "f32") return run<float>(arguments[1], grid, shared, arguments + 6);
    if (numbers == "f16") return run<__half>(arguments[1], grid, shared, arguments + 6);
    if (numbers == "bf16") return run<__nv_bfloat16>(arguments[1], grid, shared, arguments + 6);
    return 2;
}
