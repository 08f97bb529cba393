//! Where a rotation is stopped.

use anyhow::Result;
use windlass_harness::{CallEnd, Direction, Fault, Moment, Proxy, SecretsProxy, Traffic};

/// One place at which an attempt does not get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The function is killed before or after call `number` of Secrets Manager takes effect.
    Call {
        /// Counted from 1.
        number: usize,
        /// Whether it has taken effect.
        moment: Moment,
    },
    /// Call `number` takes effect and its answer is lost; nobody is killed.
    LostAnswer {
        /// Counted from 1.
        number: usize,
    },
    /// Connection `number` to the database breaks instead of passing a message on.
    Cut {
        /// Counted from 1.
        number: usize,
        /// Whose message.
        direction: Direction,
        /// Counted from 1.
        record: u32,
    },
}

impl Point {
    /// Puts it in the way of what comes next.
    pub(super) fn arm(self, secrets: &SecretsProxy, database: &Proxy) {
        match self {
            Self::Call { number, moment } => secrets.stop_at(number, moment),
            Self::LostAnswer { number } => secrets.lose_answer(number),
            Self::Cut { number, direction, record } => {
                database.fail_connection(number, Fault::CutAtRecord { direction, record });
            }
        }
    }

    /// Whether it was met.
    pub(super) fn met(self, secrets: &SecretsProxy, database: &Proxy) -> bool {
        let ended = |end| secrets.calls().iter().any(|call| call.end == end);
        match self {
            Self::Call { .. } => ended(CallEnd::Stopped),
            Self::LostAnswer { .. } => ended(CallEnd::Lost),
            Self::Cut { number, direction, record } => database
                .traffic()
                .get(number - 1)
                .is_some_and(|traffic| records(traffic, direction) >= record),
        }
    }
}

/// All that a rotation does which nothing disturbs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Calls of Secrets Manager.
    pub calls: usize,
    /// Messages of each connection to the database: the client's, the server's.
    pub records: Vec<(u32, u32)>,
}

impl Counts {
    pub(super) async fn read(secrets: &SecretsProxy, database: &Proxy) -> Result<Self> {
        let traffic = database.all_closed().await?;
        let records = traffic.iter().map(|one| (one.client_records, one.server_records));
        Ok(Self { calls: secrets.calls().len(), records: records.collect() })
    }

    /// Every point at Secrets Manager.
    pub fn at_secrets_manager(&self) -> impl Iterator<Item = Point> {
        (1..=self.calls).flat_map(points_of_call)
    }

    /// Every point at the database.
    pub fn at_the_database(&self) -> impl Iterator<Item = Point> {
        let ends = self.records.iter().zip(1..);
        ends.flat_map(|(&(client, server), number)| {
            let cut = move |direction, record| Point::Cut { number, direction, record };
            let to_server = (1..=client).map(move |record| cut(Direction::ToServer, record));
            to_server.chain((1..=server).map(move |record| cut(Direction::ToClient, record)))
        })
    }

    /// The points after the last, which are never met if these are all.
    pub fn beyond(&self) -> impl Iterator<Item = Point> {
        let (client, server) = (Direction::ToServer, Direction::ToClient);
        let records = self.records.iter().zip(1..).flat_map(move |(&records, number)| {
            [(client, records.0 + 1), (server, records.1 + 1)]
                .map(|(direction, record)| Point::Cut { number, direction, record })
        });
        let number = self.records.len() + 1;
        let connection = Point::Cut { number, direction: client, record: 1 };
        points_of_call(self.calls + 1).chain(records).chain([connection])
    }
}

fn points_of_call(number: usize) -> impl Iterator<Item = Point> {
    let stops = [Moment::Before, Moment::After].map(|moment| Point::Call { number, moment });
    stops.into_iter().chain([Point::LostAnswer { number }])
}

fn records(traffic: &Traffic, direction: Direction) -> u32 {
    match direction {
        Direction::ToServer => traffic.client_records,
        Direction::ToClient => traffic.server_records,
    }
}
