//! Plugins that misbehave: each sin ends its call with an error of its own, nothing gets out, and the
//! same process serves the next event.
//!
//! The guests are the crates of `tests/guests`, each named for its sin and tested by the function of
//! its name; a guest without a test does not compile. What the function said is in
//! `golden/guests/GUEST.txt`. What the host can't catch is said in the guest's header.
//!
//! Every limit of `host/src/plugin/limits.rs` is reached here:
//!
//! | limit | test |
//! |---|---|
//! | `MEMORY_BYTES` | [`hoards`]; of several memories, [`crowds`] |
//! | `TABLE_ELEMENTS` | [`grows`]; of several tables, [`crowds`] |
//! | `INSTANCES`: core instances, memories, tables | [`crowds`] |
//! | the engine's stack | [`recurses`] |
//! | `CPU_TICKS` | [`spins`], [`nibbles`]; in `describe`, [`broods`] |
//! | the time of a step | [`waits`] |
//! | `CONNECTIONS`: connections | [`dials`], [`clings`] |
//! | `CONNECTIONS`: redirects | [`strays`] |
//! | `NETWORK_BYTES`: sent, received | [`gushes`], [`gorges`] |
//! | `READ_BYTES` | [`gorges`] |
//! | `HOSTCALL_BYTES` | [`shoves`], [`rambles`] |
//! | `HANDLES` | out of a guest's reach behind `CONNECTIONS`: in process, `sandbox::egress` |
//! | handles that are not one's own | [`forges`], [`drops`], [`keeps`] |
//! | `RANDOM_BYTES_AT_ONCE`, `RANDOM_BYTES` | [`gambles`] |
//! | `LOG_LINES`, `LOG_LINE_BYTES` | [`babbles`] |
//! | `MESSAGE_BYTES`, `CODE_BYTES` | [`rambles`] |
//! | `FINDINGS`, `REMEDY_BYTES` | [`appraises`] |
//! | `ARTIFACT_BYTES`, `COMPONENT_BYTES` | the module `plugins` |
//! | `DESCRIPTION_ENTRIES`, `DESCRIPTION_BYTES`, `PASSWORD_LENGTH`, `rotation::LEAST_BITS` | [`lies`] |
//! | `REFUSED_LIMIT`, of sign-ins | [`refuses`] |

mod den;
mod descriptions;
mod network;
mod resources;
mod rotations;
mod visited;
mod words;

// The test of each guest, from wherever it stands.
use descriptions::*;
use network::*;
use resources::*;
use rotations::*;
use words::*;

include!(concat!(env!("OUT_DIR"), "/each_guest.rs"));

macro_rules! has_a_test {
    ($guest:ident) => {
        const _: fn() -> anyhow::Result<()> = $guest;
    };
}
each_guest!(has_a_test);
