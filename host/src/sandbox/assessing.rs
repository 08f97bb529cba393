//! The optional interface `assessment`: what goes in and what comes out, bounded and scrubbed at the
//! plugin's border like every other text of a plugin.

use wasmtime::Store;

use super::bindings::assessor::exports::windlass::plugin::assessment as wit;
use super::border::{Wipe, Wiped, hand_over};
use super::call::CallState;
use super::limits;
use crate::redact::Redactor;
use crate::rotation::ports::{Assessment, Finding, PairState, Planned};

impl Wipe for wit::AssessRequest {
    fn wipe(&mut self) {
        self.actor.wipe();
    }
}

/// The request as the plugin gets it.
pub(super) fn request(
    store: &mut Store<CallState>,
    planned: &Planned<'_>,
) -> wasmtime::Result<Wiped<wit::AssessRequest>> {
    Ok(Wiped(wit::AssessRequest {
        actor: hand_over(store, planned.actor)?,
        username: planned.username.to_owned(),
        clone_of: planned.clone_of.map(str::to_owned),
    }))
}

/// What the plugin found, as it may be shown.
pub(super) fn scrubbed(found: wit::Assessment, redactor: &Redactor) -> Assessment {
    let findings = |list: Vec<wit::Finding>| {
        let finding = |finding: wit::Finding| Finding {
            text: redactor.scrub(&finding.text, limits::REMEDY_BYTES),
            remedy: redactor.scrub(&finding.remedy, limits::REMEDY_BYTES),
        };
        list.into_iter().take(limits::FINDINGS).map(finding).collect()
    };
    Assessment {
        session: redactor.scrub(&found.session, limits::REMEDY_BYTES),
        lacks: findings(found.lacks),
        pair: found.pair.map(|state| match state {
            wit::PairState::Marked => PairState::Marked,
            wit::PairState::Equal => PairState::Equal,
            wit::PairState::Different => PairState::Different,
            wit::PairState::Absent => PairState::Absent,
        }),
        differences: findings(found.differences),
    }
}
