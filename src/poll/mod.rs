//! Polling: the [`Poller`], and what one registers with.

mod awakener;
mod changes;
mod checks;
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
mod stats;

pub use self::awakener::Awakener;
pub use self::checks::{Checks, Complaint, Problem};
pub use self::clock::Clock;
pub use self::detached::{Detach, Detached};
pub use self::interests::Interests;
pub use self::option::PollOption;
pub use self::poller::Poller;
pub use self::registrar::Registrar;
pub use self::stats::Stats;
pub use crate::deadlines::DeadlineKey;
