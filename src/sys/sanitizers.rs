//! What the sanitizers of a C program are told of this library, into which they do not see: it is compiled without
//! them. A program without sanitizers has none of these functions, and pays a load and a branch.

/// The address of a function, or 0 if the program has none of this name.
///
/// Stable Rust has no weak symbols; the assembler and the linkers have.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
macro_rules! weak {
    ($name:literal) => {{
        let address: usize;
        // SAFETY: the linker fills in the entry that is loaded, with zero if there is no such symbol.
        unsafe {
            std::arch::asm!(
                concat!(".weak ", $name),
                concat!("mov {address}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        address
    }};
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
macro_rules! weak {
    ($name:literal) => {{
        let address: usize;
        // SAFETY: as above.
        unsafe {
            std::arch::asm!(
                concat!(".weak ", $name),
                concat!("adrp {address}, :got:", $name),
                concat!("ldr {address}, [{address}, :got_lo12:", $name, "]"),
                address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        address
    }};
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
macro_rules! weak {
    ($name:literal) => {
        0usize
    };
}

/// ThreadSanitizer: what this thread has done so far comes before what is done after [`acquire`] with this address.
#[inline]
pub fn release<T>(address: *const T) {
    tell(weak!("__tsan_release"), address);
}

/// ThreadSanitizer: see [`release`].
#[inline]
pub fn acquire<T>(address: *const T) {
    tell(weak!("__tsan_acquire"), address);
}

#[inline]
fn tell<T>(function: usize, address: *const T) {
    if function != 0 {
        call(function, address.cast_mut().cast());
    }
}

// Inline, so that whoever calls it sees that it does not unwind.
#[cold]
#[inline]
fn call(function: usize, address: *mut libc::c_void) {
    // SAFETY: both functions have this signature (`sanitizer/tsan_interface.h`).
    let function: unsafe extern "C" fn(*mut libc::c_void) =
        unsafe { std::mem::transmute(function) };
    // SAFETY: the address is a name only, which nothing is read from.
    unsafe { function(address) }
}

/// Whether there is a MemorySanitizer, to call [`written`] for.
pub(crate) fn is_memory_watched() -> bool {
    weak!("__msan_unpoison") != 0
}

/// MemorySanitizer: this library has written there.
#[inline]
pub fn written<T>(address: *const T, count: usize) {
    let function = weak!("__msan_unpoison");
    if function != 0 {
        unpoison(function, address.cast(), count * size_of::<T>());
    }
}

#[cold]
#[inline]
fn unpoison(function: usize, address: *const libc::c_void, size: usize) {
    // SAFETY: it has this signature (`sanitizer/msan_interface.h`).
    let function: unsafe extern "C" fn(*const libc::c_void, usize) =
        unsafe { std::mem::transmute(function) };
    // SAFETY: who calls it has written there.
    unsafe { function(address, size) }
}
