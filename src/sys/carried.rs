/// Carries to another thread what the compiler keeps in one.
///
/// Handles and pollers are kept in their thread so that nobody uses one in two at once, or closes a descriptor that
/// another thread uses. What is carried is used by nobody until it has arrived, since it can only be taken out whole.
#[derive(Debug)]
pub(crate) struct Carried<T>(T);

// SAFETY: those that can be carried (`Carry`) own what they refer to, or share it with other threads in a way that is
// made for that (`Shared`): descriptors, which any thread may use, and memory. None refers to its thread.
unsafe impl<T: Carry> Send for Carried<T> {}

impl<T: Carry> Carried<T> {
    pub(crate) fn new(value: T) -> Carried<T> {
        Carried(value)
    }

    pub(crate) fn take(self) -> T {
        self.0
    }
}

/// What refers to nothing of the thread that it was made in.
pub trait Carry {
    /// It has arrived in another thread.
    fn arrive(&mut self) {}
}
