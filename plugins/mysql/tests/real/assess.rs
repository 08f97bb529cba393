//! What an assessment says beforehand, and the mark that an administrator sets.

use windlass_harness::MysqlKind;
use windlass_sdk::{Failure, FailureKind, Finding, PairState, TlsMode};

use crate::world::World;

const KINDS: [MysqlKind; 2] = [MysqlKind::Mariadb, MysqlKind::Mysql];
const PASSWORD: &str = "kX3.vQ9-tLm2";
const NEW: &str = "Zr8.wB4-hNc7";

fn turn(world: &World, current: &str, next: &str) -> Result<(), Failure> {
    world.change_by_admin(next, NEW, |request| request.clone_of = Some(current.into()))
}

fn texts(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.text.as_str()).collect()
}

/// A pair as AWS's function leaves it, and what people did since.
fn drifted(world: &World) {
    world.admin(&format!(
        "CREATE DATABASE shop; CREATE DATABASE hr; \
         CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' WITH MAX_USER_CONNECTIONS 9; \
         GRANT SELECT, INSERT ON shop.* TO app@'%' WITH GRANT OPTION; \
         CREATE USER app_clone@'%' IDENTIFIED BY '{PASSWORD}'; \
         GRANT SELECT ON shop.* TO app_clone@'%'; GRANT SELECT ON hr.* TO app_clone@'%'"
    ));
}

#[test]
fn a_pair_that_drifted_is_refused_with_its_differences_and_goes_on_once_it_is_marked() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        drifted(&world);
        let expected = [
            "`app_clone`@`%` has SELECT ON `hr`.*, which `app`@`%` has not",
            "`app_clone`@`%` lacks INSERT ON `shop`.* and GRANT OPTION ON `shop`.*",
            "`app_clone`@`%` has MAX_USER_CONNECTIONS 0, `app`@`%` has MAX_USER_CONNECTIONS 9",
        ];
        for (current, next) in [("app", "app_clone"), ("app_clone", "app")] {
            let failure = turn(&world, current, next).unwrap_err();
            assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
            for part in expected {
                assert!(failure.message.contains(part), "{failure}");
            }
            let assessment = world.assess(next, Some(current)).unwrap();
            assert_eq!(assessment.pair, Some(PairState::Different));
            assert_eq!(texts(&assessment.differences), expected);
            assert_eq!(texts(&assessment.lacks), [""; 0]);
            assert!(assessment.session.starts_with("`master`@`%` on M"), "{assessment:?}");
        }
        assert!(!world.signs_in("app", NEW) && !world.signs_in("app_clone", NEW));

        let rights = |user: &str| {
            let shown = world.admin(&format!("SHOW GRANTS FOR {user}@'%'"));
            shown.lines().filter(|line| !line.contains("windlass:")).collect::<String>()
        };
        let before = [rights("app"), rights("app_clone")];
        for _ in 0..2 {
            world.mark_pair("app_clone", "app").unwrap();
        }
        assert_eq!([rights("app"), rights("app_clone")], before, "nothing else is changed");
        assert!(world.signs_in("app", PASSWORD) && world.signs_in("app_clone", PASSWORD));
        let assessment = world.assess("app", Some("app_clone")).unwrap();
        assert_eq!(assessment.pair, Some(PairState::Marked));
        assert_eq!(texts(&assessment.differences), expected, "the turn will end them");

        turn(&world, "app", "app_clone").unwrap();
        assert!(world.signs_in("app_clone", NEW));
        let assessment = world.assess("app", Some("app_clone")).unwrap();
        assert_eq!(texts(&assessment.differences), [""; 0]);
    }
}

/// Each difference has the statement that ends it.
#[test]
fn the_remedies_of_all_differences_make_two_accounts_equal() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        drifted(&world);
        world.admin(
            "REVOKE GRANT OPTION ON shop.* FROM app@'%'; ALTER USER app_clone@'%' REQUIRE SSL",
        );
        for finding in world.assess("app_clone", Some("app")).unwrap().differences {
            world.admin(&finding.remedy);
        }
        let assessment = world.assess("app_clone", Some("app")).unwrap();
        assert_eq!((assessment.pair, assessment.differences), (Some(PairState::Equal), vec![]));
        turn(&world, "app", "app_clone").unwrap();
    }
}

#[test]
fn a_pair_that_is_not_there_yet_is_absent_and_can_not_be_marked() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        let assessment = world.assess("app_clone", Some("app")).unwrap();
        assert_eq!(assessment.pair, None);
        assert_eq!(texts(&assessment.lacks), ["there is no account \"app\""]);
        assert!(world.mark_pair("app_clone", "app").unwrap_err().message.contains("\"app\""));
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'"));
        let assessment = world.assess("app_clone", Some("app")).unwrap();
        assert_eq!(assessment.pair, Some(PairState::Absent));
        let failure = world.mark_pair("app_clone", "app").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined);
        assert!(failure.message.contains("\"app_clone\""), "{failure}");
        // The remedy.
        turn(&world, "app", "app_clone").unwrap();
        assert_eq!(world.assess("app", Some("app_clone")).unwrap().pair, Some(PairState::Marked));
    }
}

/// Every statement of the remedies, and then nothing is lacking and a turn works.
#[test]
fn an_administrator_is_told_every_right_that_it_lacks() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(&format!(
            "CREATE DATABASE shop; CREATE ROLE reader; \
             CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; GRANT reader TO app@'%'; \
             GRANT SELECT, DROP ON shop.* TO app@'%'; \
             CREATE USER boss@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON shop.* TO boss@'%'"
        ));
        if kind == MysqlKind::Mysql {
            world.admin("GRANT SYSTEM_USER ON *.* TO app@'%'");
        }
        let assess = |user: &str, clone_of| {
            let boss = world.login("boss", PASSWORD, TlsMode::Required);
            world.assess_as(boss, user, clone_of)
        };
        let first = assess("app_clone", Some("app"));
        let expected =
            ["`boss`@`%` lacks CREATE USER ON *.*", "`boss`@`%` lacks SELECT ON mysql.*"];
        assert_eq!(texts(&first.lacks), expected);
        assert_eq!(texts(&assess("app", None).lacks), expected);
        for finding in first.lacks {
            world.admin(&finding.remedy);
        }
        let second = assess("app_clone", Some("app"));
        assert!(second.lacks.len() >= 2, "{second:?}");
        if kind == MysqlKind::Mysql {
            assert_eq!(texts(&assess("app", None).lacks), ["`boss`@`%` lacks SYSTEM_USER ON *.*"]);
        }
        for finding in second.lacks {
            world.admin(&finding.remedy);
        }
        assert_eq!(texts(&assess("app_clone", Some("app")).lacks), [""; 0]);
        world
            .change_by_admin("app_clone", NEW, |request| {
                request.clone_of = Some("app".into());
                request.actor = world.login("boss", PASSWORD, TlsMode::Required);
            })
            .unwrap();
        assert!(world.signs_in("app_clone", NEW));
    }
}

#[test]
fn an_account_is_told_whether_it_may_change_its_own_password() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'"));
        let assess =
            || world.assess_as(world.login("app", PASSWORD, TlsMode::Required), "app", None);
        let assessment = assess();
        assert!(assessment.session.starts_with("`app`@`%` on M"), "{assessment:?}");
        assert_eq!((assessment.lacks, assessment.pair), (vec![], None));
        if kind == MysqlKind::Mariadb {
            world.admin(&format!(
                "ALTER USER app@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING \
                 PASSWORD('{PASSWORD}')"
            ));
            assert!(texts(&assess().lacks)[0].contains("several methods"));
        }
    }
}

#[test]
fn an_assessment_of_many_differences_is_bounded() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    drifted(&world);
    for number in 0..20 {
        world.admin(&format!("GRANT SELECT ON d{number}.* TO app@'%'"));
    }
    let differences = world.assess("app_clone", Some("app")).unwrap().differences;
    assert_eq!(differences.len(), 17);
    assert_eq!(differences[16].text, "and 7 more");
    let failure = turn(&world, "app", "app_clone").unwrap_err();
    assert!(failure.message.ends_with("; and 18 more"), "{failure}");
}
