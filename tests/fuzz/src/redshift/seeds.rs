//! Conversations as Redshift has them, good and bad, and how each ends.

use windlass_sdk::FailureKind::*;
use windlass_sdk::PairState::*;

use crate::Seed;
use crate::ends::Conversation;
use crate::ends::Ends::{self, *};
use crate::postgres::Choice;
use crate::postgres::wire::*;

const VERIFY: u16 = Choice::VERIFY;
const OWN: u16 = Choice::OWN;
const BY_ADMINISTRATOR: u16 = Choice::BY_ADMINISTRATOR;
const CLONE: u16 = Choice::ALTERNATING;
const BASE: u16 = Choice::ALTERNATING | Choice::TURN_OF_BASE;

/// Rights in an access list: of the base, of others, of the clone.
const LIST: &str = "base=r*wX/o,\"q \"\"t\"=U/o,group base=d/o,base_clone=Z/o";

/// What the corpus holds.
pub fn seeds() -> Vec<Seed> {
    Conversation::seeds(conversations())
}

/// By what happens in them.
pub(super) fn conversations() -> Vec<Conversation> {
    [sign_ins(), changes(), turns(), assessments(), marks()].into_iter().flatten().collect()
}

fn seed(name: &'static str, ends: Ends, choice: u16, says: &[&[u8]]) -> Conversation {
    Conversation::new(name, ends, Choice(choice).before(says))
}

fn md5() -> Vec<u8> {
    authentication(5, &[1, 2, 3, 4])
}

/// Asks for Redshift's own digest.
fn digest() -> Vec<u8> {
    let length = |length: u32| length.to_be_bytes();
    let parts = [&length(0)[..], &length(32), &[7; 32], &length(5), b"nonce"];
    authentication(13, &parts.concat())
}

/// The shortest way in.
fn let_in() -> Vec<u8> {
    [md5(), welcome()].concat()
}

fn committed() -> Vec<u8> {
    [&complete("ALTER USER")[..], &complete("COMMIT"), READY].concat()
}

fn wrong() -> Vec<u8> {
    error("28000", "password authentication failed for user \"app\"")
}

fn sign_ins() -> Vec<Conversation> {
    let selected = [&table(&[row(&[Some("app")])])[..], READY].concat();
    let mutual = VERIFY | Choice::MUTUAL;
    let in_tls = VERIFY | Choice::TLS;
    let in_clear = [b"S", &authentication(3, b"")[..]].concat();
    vec![
        seed("md5", Done, VERIFY, &[&let_in(), &selected]),
        seed("digest", Done, VERIFY, &[&digest(), &welcome(), &selected]),
        seed("digest-in-tls", Done, in_tls, &[b"S", &digest(), &welcome(), &selected]),
        seed("cleartext-in-tls", Done, in_tls, &[&in_clear, &welcome(), &selected]),
        seed("mutual-md5", Fails(Unproven, ""), mutual, &[&md5()]),
        seed("mutual-digest", Fails(Unproven, ""), mutual, &[&digest()]),
        seed("refused", Fails(Refused, "password"), VERIFY, &[&md5(), &wrong()]),
        seed(
            "refused-in-clear",
            Fails(Refused, "by the provider"),
            in_tls,
            &[&in_clear, &error("28000", "refused by the provider")],
        ),
    ]
}

fn changes() -> Vec<Conversation> {
    let let_in_by_digest = [digest(), welcome()].concat();
    let proved = [let_in_by_digest.clone(), committed(), let_in_by_digest.clone()].concat();
    let disproved = [digest(), wrong(), committed()].concat();
    let asked = [let_in(), md5()].concat();
    let in_tls = [&b"S"[..], &let_in()].concat();
    vec![
        seed("own", Done, OWN, &[&let_in(), &committed()]),
        seed("own-proved", Done, OWN, &[&proved]),
        seed("own-disproved", Done, OWN, &[&let_in_by_digest, &committed(), &disproved]),
        seed("by-administrator", Done, BY_ADMINISTRATOR, &[&asked, &committed()]),
        seed(
            "declined",
            Fails(Declined, "may not"),
            BY_ADMINISTRATOR,
            &[&asked, &error("42501", "permission denied")],
        ),
        // Whatever the operator allows: Redshift is sent no text.
        seed(
            "no-text-sent",
            Fails(Declined, "hash"),
            OWN | Choice::TLS | Choice::SEND_TEXT,
            &[&in_tls, &error("22023", "password is not plain text")],
        ),
    ]
}

/// The beginning of a transaction in which a catalog is read.
fn catalog() -> Vec<u8> {
    let columns = [
        ["pg_attribute_info", "attacl"],
        ["pg_default_acl", "defacluser"],
        ["pg_proc_info", "prokind"],
        ["svl_user_info", "sessiontimeout"],
        ["svv_user_grants", "admin_option"],
    ];
    let rows = columns.map(|pair| row(&pair.map(Some)));
    [complete("BEGIN"), table(&rows), READY.to_vec()].concat()
}

/// What the catalog says of a pair: the clone is there or not, is a member of the groups and roles or
/// not, is marked or not; and what is in each access list.
fn state(clone: &str, member: &str, mark: &[Vec<u8>], list: &str) -> Vec<u8> {
    let user = |name| row(&[Some(name), Some("f"), Some("f"), None, Some("search_path=a, \"b\"")]);
    let limit = |name| row(&[Some(name), Some("5"), Some("RESTRICTED"), Some("60")]);
    let group = ["base", member].map(|name| row(&[Some(name), Some("readers")]));
    let role = ["base", member].map(|name| row(&[Some(name), Some("analyst"), Some("False")]));
    let right = |kind, detail| {
        row(&[Some(kind), Some("s"), Some("t"), Some(detail), Some("o"), Some(list)])
    };
    let rights = ["d", "n", "t", "l"].map(|kind| right(kind, "")).into_iter().chain([
        right("c", "column"),
        right("f", "integer, character varying"),
        right("a", "r"),
    ]);
    [
        table(&[user("base"), user(clone)]),
        table(&[&group[..], mark].concat()),
        table(&[row(&[Some("windlass_clones")])]),
        table(&[limit("base"), limit(clone)]),
        table(&role),
        table(&rights.collect::<Vec<_>>()),
        READY.to_vec(),
    ]
    .concat()
}

fn marked() -> [Vec<u8>; 1] {
    [row(&[Some("base_clone"), Some("windlass_clones")])]
}

/// Two that are equal, and marked or not.
fn equal(mark: &[Vec<u8>]) -> Vec<u8> {
    state("base_clone", "base_clone", mark, "")
}

fn turns() -> Vec<Conversation> {
    let begun = [let_in(), md5(), catalog()].concat();
    let new = state("nobody", "nobody", &[], LIST);
    let differs = state("base_clone", "nobody", &marked(), LIST);
    let unmarked = state("base_clone", "nobody", &[], LIST);
    // A name that is longer than any.
    let long = row(&[Some("base"), Some(&"x".repeat(128))]);
    let unwritable = equal(&[&marked()[..], &[long]].concat());
    let equal = [equal(&marked()), committed()].concat();
    let denied = error("42501", "permission denied");
    vec![
        seed("unwritable", Fails(Declined, "can't be written"), CLONE, &[&begun, &unwritable]),
        seed("created", Done, CLONE, &[&begun, &new, &equal]),
        seed("differs", Done, CLONE, &[&begun, &differs, &equal]),
        seed("equal", Done, BASE, &[&begun, &equal]),
        seed("adopted", Done, CLONE, &[&begun, &equal_with_rights(&[]), &equal]),
        seed("strangers", Fails(NotAPair, "nothing else shows"), CLONE, &[&begun, &unmarked]),
        seed("denied", Fails(Declined, "permission denied"), CLONE, &[&begun, &differs, &denied]),
    ]
}

/// Two that are equal and have rights, as those of another tool may.
fn equal_with_rights(mark: &[Vec<u8>]) -> Vec<u8> {
    state("base_clone", "base_clone", mark, "base=r/o,base_clone=r/o")
}

/// Who the session is: whether a superuser, and which roles it has.
fn actor(superuser: &str, roles: &[&str]) -> Vec<u8> {
    actor_named("app", superuser, roles)
}

fn actor_named(name: &str, superuser: &str, roles: &[&str]) -> Vec<u8> {
    let roles: Vec<_> = roles.iter().map(|role| row(&[Some(*role)])).collect();
    let session = table(&[row(&[Some(name), Some(superuser)])]);
    [let_in(), catalog(), session, table(&roles), READY.to_vec()].concat()
}

fn assessments() -> Vec<Conversation> {
    let (there, missing) = (table(&[row(&[Some("1")])]), table(&[]));
    let [there, missing] = [there, missing].map(|found| [&found[..], READY].concat());
    let own = Choice::ASSESS | OWN;
    let other = Choice::ASSESS | BY_ADMINISTRATOR;
    let pair = Choice::ASSESS | CLONE;
    let superuser = actor("t", &[]);
    let differs = state("base_clone", "nobody", &marked(), LIST);
    let different = state("base_clone", "nobody", &[], LIST);
    let absent = state("nobody", "nobody", &[], LIST);
    // Once found: a finding of two lines.
    let of_base = row(&[Some("base"), Some("pay\nroll")]);
    let unprintable = equal(&[&marked()[..], &[of_base]].concat());
    vec![
        seed("assess-own", Finds(None, 0, 0), own, &[&actor("f", &[]), &there]),
        seed("assess-other", Finds(None, 0, 0), other, &[&actor("f", &["r"]), &there]),
        seed(
            "assess-unprintable-session",
            Finds(None, 1, 0),
            other,
            &[&actor_named("a\u{7f}\np", "f", &[]), &there],
        ),
        seed("assess-nobody", Finds(None, 2, 0), other, &[&actor("f", &[]), &missing]),
        seed("assess-marked", Finds(Some(Marked), 0, 16), pair, &[&superuser, &differs]),
        seed(
            "assess-equal",
            Finds(Some(Equal), 0, 0),
            pair,
            &[&superuser, &equal_with_rights(&[])],
        ),
        seed(
            "assess-different",
            Finds(Some(Different), 1, 17),
            pair,
            &[&actor("f", &["r"]), &different],
        ),
        seed("assess-unprintable", Finds(Some(Marked), 0, 1), pair, &[&superuser, &unprintable]),
        seed("assess-absent", Finds(Some(Absent), 0, 0), pair, &[&superuser, &absent]),
    ]
}

fn marks() -> Vec<Conversation> {
    let mark = Choice::MARK | CLONE;
    let begun = [let_in(), catalog()].concat();
    let unmarked = state("base_clone", "nobody", &[], LIST);
    let absent = state("nobody", "nobody", &[], LIST);
    let denied = error("42501", "permission denied");
    vec![
        seed("mark", Done, mark, &[&begun, &unmarked, &committed()]),
        seed("mark-again", Done, mark, &[&begun, &equal(&marked())]),
        seed("mark-absent", Fails(Declined, "can't be marked"), mark, &[&begun, &absent]),
        seed("mark-denied", Fails(Declined, "permission"), mark, &[&begun, &unmarked, &denied]),
        seed("mark-one", Fails(Unsupported, "not a pair"), Choice::MARK | OWN, &[]),
    ]
}
