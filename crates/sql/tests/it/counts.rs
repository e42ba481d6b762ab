//! Counts of members that the groups' own statistics answer.

use std::collections::BTreeMap;

use crate::support::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_are_counted_by_one_request() {
    let t = Fixture::new(40, 4).await;
    let truth = t.sandbox.truth();
    let group = &truth.memberships[0].group;
    let expected = truth.memberships.iter().filter(|membership| membership.group == *group).count();
    let sql = format!("SELECT COUNT(*) FROM GroupMembers WHERE GroupId = '{group}'");
    assert_eq!(t.rows(&sql).await, [[expected.to_string()]]);
    let requests = t.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert!(requests[0].contains("expand=stats"), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_counted_per_group_by_the_list_of_groups() {
    let t = Fixture::new(40, 4).await;
    let truth = t.sandbox.truth();
    let all = t.rows("SELECT COUNT(*) FROM GroupMembers").await;
    assert_eq!(all, [[truth.memberships.len().to_string()]]);
    assert_eq!(t.requests().len(), 1);
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    for membership in &truth.memberships {
        *expected.entry(&membership.group).or_default() += 1;
    }
    let expected: Vec<_> =
        expected.into_iter().map(|(group, count)| vec![group.to_owned(), count.to_string()]).collect();
    assert!(expected.len() > 2, "{expected:?}");
    assert_eq!(t.sorted("SELECT GroupId, COUNT(*) FROM GroupMembers GROUP BY GroupId").await, expected);
    assert_eq!(t.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_statistics_members_are_read() {
    let t = Fixture::with(40, 4, "&UseStats=false").await;
    let total = t.sandbox.truth().memberships.len();
    assert_eq!(t.rows("SELECT COUNT(*) FROM GroupMembers").await, [[total.to_string()]]);
    assert!(t.requests().iter().any(|request| request.contains("/users?")));
    // Conditions on members need the members.
    let active = t.rows("SELECT COUNT(*) FROM GroupMembers WHERE UserStatus = 'ACTIVE'").await;
    assert_ne!(active, [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_a_count_cheaper_is_said_in_words_of_the_statement() {
    let t = Fixture::new(40, 4).await;
    for sql in [
        "EXPLAIN SELECT count(*) FROM GroupMembers",
        "EXPLAIN SELECT GroupId, count(*) FROM GroupMembers GROUP BY GroupId",
    ] {
        let plan = t.rows(sql).await.concat().concat();
        assert!(plan.contains("cheaper: naming the Groups with GroupId = '…' or GroupId IN (…)"), "{sql}: {plan}");
        assert!(!plan.contains("LIMIT"), "{sql}: {plan}");
    }
    let plan = t.rows("EXPLAIN SELECT count(*) FROM Users").await.concat().concat();
    assert!(plan.contains("ProfileLogin = '…'") && !plan.contains("LIMIT"), "{plan}");
}
