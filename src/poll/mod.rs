//! Polling: the [`Poller`], and what one registers with.

mod awakener;
mod clock;
mod detached;
mod gate;
mod interests;
mod notifications;
mod option;
mod poller;
mod registrar;
mod registry;
mod shares;

pub use self::awakener::Awakener;
pub use self::clock::Clock;
pub use self::detached::{Detach, Detached};
pub use self::interests::Interests;
pub use self::option::PollOption;
pub use self::poller::Poller;
pub use self::registrar::Registrar;
pub use crate::deadlines::DeadlineKey;
