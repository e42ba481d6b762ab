//! The client against the sandbox org.

use futures::StreamExt;
use oktant_client::{Call, Edges, Org, Properties};
use oktant_sandbox::Sandbox;

#[tokio::test]
async fn a_list_takes_as_many_requests_as_it_has_pages() {
    let sandbox = Sandbox::builder().users(450).groups(3).start().await.unwrap();
    let properties = Properties::parse(&sandbox.dsn()).unwrap();
    let org = Org::connect(&properties, Edges::system()).await.unwrap();
    let call = Call::operation("listUsers").unwrap().arg("limit", "200").unwrap();
    let mut pages = org.pages(call);
    let mut users = 0;
    while let Some(page) = pages.next().await {
        users += serde_json::from_slice::<Vec<serde_json::Value>>(&page.unwrap().body).unwrap().len();
    }
    assert!(users > 400, "{users}");
    assert_eq!(sandbox.requests().len(), users.div_ceil(200));
    assert_eq!(org.ledger().requests_sent() as usize, sandbox.requests().len());
}
