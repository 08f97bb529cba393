//! What the test has ordered, and which call it concerns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::faults::{ServiceFault, Share};
use super::lag::Lags;
use super::{CallEnd, Moment, ProxiedCall};

/// What is done with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Neither passed on nor answered.
    Hold,
    /// The caller is stopped here.
    Stop(Moment),
    /// Passed on, and the answer is lost.
    Lose,
    /// Answered with this instead.
    Fail(ServiceFault),
    /// Passed on.
    Pass,
}

/// Which call it is, also after a reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    index: usize,
    resets: u64,
}

/// Orders and the record of calls.
#[derive(Debug, Default)]
pub(super) struct State {
    calls: Vec<ProxiedCall>,
    resets: u64,
    halted: bool,
    pub(super) stop: Option<(usize, Moment)>,
    pub(super) lost: BTreeSet<usize>,
    pub(super) actions: BTreeMap<String, ServiceFault>,
    pub(super) next: VecDeque<ServiceFault>,
    pub(super) share: Option<Share>,
    pub(super) lags: Option<Lags>,
}

impl State {
    pub(super) fn calls(&self) -> &[ProxiedCall] {
        &self.calls
    }

    /// Takes everything back.
    pub(super) fn reset(&mut self) {
        *self = Self { resets: self.resets + 1, ..Self::default() };
    }

    /// Numbers a call and decides what is done with it.
    pub(super) fn admit(&mut self, action: &str) -> (Ticket, Order) {
        let number = self.calls.len() + 1;
        let call = ProxiedCall { number, action: action.to_owned(), end: CallEnd::Open };
        self.calls.push(call);
        // Drawn for every call, so that the same seed chooses the same numbers.
        let drawn = self.share.as_mut().and_then(Share::draw);
        let order = match self.stop {
            _ if self.halted => Order::Hold,
            Some((at, moment)) if at == number => {
                self.halted = true;
                Order::Stop(moment)
            }
            _ if self.lost.contains(&number) => Order::Lose,
            _ => {
                let fault = self.actions.get(action).copied();
                let fault = fault.or_else(|| self.next.pop_front()).or(drawn);
                fault.map_or(Order::Pass, Order::Fail)
            }
        };
        (Ticket { index: number - 1, resets: self.resets }, order)
    }

    /// Notes what became of a call. `None`: it was forgotten by a reset meanwhile.
    pub(super) fn end(&mut self, ticket: Ticket, end: CallEnd) -> Option<ProxiedCall> {
        let call = self.calls.get_mut(ticket.index).filter(|_| ticket.resets == self.resets)?;
        call.end = end;
        Some(call.clone())
    }
}
