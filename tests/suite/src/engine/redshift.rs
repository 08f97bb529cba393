//! Redshift, on the PostgreSQL that stands for it: its own server can't be had.

use windlass_harness::Opening;

use super::postgres::{LONG_NAMES, Pairs, REQUEST_FOR_TLS, started};
use super::spec::{Depth, EngineSpec};
use crate::cost::{self, Errand, Strategy};
use crate::hostile;

/// Redshift, for which PostgreSQL with MD5 hashes stands.
pub static REDSHIFT: EngineSpec = EngineSpec {
    key: "redshift",
    name: "redshift",
    title: "Redshift (PostgreSQL stands for it)",
    plugin: "redshift",
    missing: || None,
    start: |ca, tls| Box::pin(async move { started(ca, tls, Pairs::OwnRights, None).await }),
    opening: Opening::Postgres,
    bytes_before_tls: REQUEST_FOR_TLS,
    database: Some("postgres"),
    names: LONG_NAMES,
    dual_passwords: false,
    // One session at a time can add somebody to the group that all clones are members of.
    clones_one_by_one: true,
    depth: Depth::Messages,
    hostile: hostile::postgres::cases_of_redshift,
    cost: &cost::Cost {
        // Whoever only asks waits for no verdict.
        sign_in: |errand| 4 - usize::from(errand == Errand::AskForm),
        errands: |strategy| match strategy {
            Strategy::SingleUser => cost::usual_errands(strategy),
            // It keeps passwords in two forms, and shows nobody which.
            Strategy::AlternatingUsers => {
                &[Errand::CheckCurrent, Errand::AdminChange, Errand::AskForm, Errand::CheckNew]
            }
        },
        beyond: |errand| match errand {
            Errand::AdminChange => "what this server's catalog has, before it is read",
            _ => "nothing",
        },
    },
};
