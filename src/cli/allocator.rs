//! How memory is asked for while a model is trained.

/// Keeps large blocks that are freed for the next one, where the C library is glibc; does nothing elsewhere.
///
/// A step of training allocates and frees the same tensors, megabytes each. By default glibc maps each and
/// unmaps it again, and the system clears every page anew: a fifth of the time of a step (see docs/train.md).
/// What is kept is never more than the largest step needed.
pub(super) fn keep_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    set(&[
        (libc::M_MMAP_THRESHOLD, 1 << 30),
        (libc::M_TRIM_THRESHOLD, NEVER),
        (libc::M_TOP_PAD, 256 << 20),
    ]);
}

/// The threshold that no block at the end of the heap reaches (mallopt(3)): the tensors of a step of SpanMarker
/// alone may be more than `i32::MAX` bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const NEVER: libc::c_int = -1;

/// Sets parameters of glibc's allocator. One that the library does not take is left as it was.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the C library's function; see the argument inside")]
fn set(parameters: &[(libc::c_int, libc::c_int)]) {
    for &(parameter, value) in parameters {
        // SAFETY: `mallopt` takes two numbers, touches no memory of ours, may be called at any time and by
        // any thread, and returns 0 where it does not know the parameter or the value. What it changes is
        // only where the allocator takes memory from and when it gives it back.
        unsafe { libc::mallopt(parameter, value) };
    }
}
