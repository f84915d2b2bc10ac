//! Polling: the [`Poller`], and what one registers with.

mod awakener;
mod checks;
mod clock;
mod interests;
mod notifications;
mod option;
mod poller;
mod registry;
mod shares;
mod stats;

pub use self::awakener::Awakener;
pub use self::checks::{Checks, Complaint, Problem};
pub use self::clock::Clock;
pub use self::interests::Interests;
pub use self::option::PollOption;
pub use self::poller::Poller;
pub use self::stats::Stats;
pub use crate::deadlines::DeadlineKey;
