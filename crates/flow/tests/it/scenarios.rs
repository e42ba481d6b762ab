//! Flows written by hand, through every form.

use oktant_flow::model::{Body, Connection, Flow, FlowId, Folder, Kind, Project, Source, Table};
use oktant_flow::{diff, flopack, text, validate};

const NESTED_IF: &str = r#"
flow: Nested if
trigger: {type: helper, inputs: {n: number, name: text}}
steps:
  - id: size
    if: ${trigger.n} >= 100
    then:
      - id: huge
        if: ${trigger.n} >= 1000
        then:
          - {id: say_huge, card: "string:compose", with: {_text_: 'huge: ${trigger.n}'}}
        else: []
        outputs:
          label: {then: '${say_huge.output}'}
    else:
      - {id: say_small, card: "string:compose", with: {_text_: small}}
    outputs:
      label: {then: '${huge.label}', else: '${say_small.output}'}
  - {id: return, card: "control:return", with: {label: '${size.label}'}}
"#;

const SWITCH: &str = r#"
flow: Else if order
trigger: {type: delegated, inputs: {inputs/kind: text}}
steps:
  - id: pick
    card: object:pick
    with: {object: '${trigger.inputs/kind}'}
    outputs: {a.b: text}
  - id: route
    switch:
      - if: ${trigger.inputs/kind} == "a"
        do:
          - {id: return_a, card: "control:return", with: {code: 1, who: '${pick."a.b"}'}}
      - if: ${pick."a.b"} is not empty
        do:
          - {id: return_b, card: "control:return", with: {code: 2, who: '${pick."a.b"}'}}
    else:
      - {id: return_c, card: "control:return", with: {code: 3, who: '${trigger.user context/okta-user-id}'}}
    outputs: {code: number}
  - {id: return, card: "control:return", with: {code: '${route.code}', who: '${route.who}'}}
"#;

const IF_ERROR: &str = r#"
flow: If error
trigger:
  event: okta:userCreated
  connection: okta
steps:
  - id: safe
    try:
      - id: inner
        try:
          - id: read_user
            card: okta:readUser
            connection: okta
            with: {User/ID or Login *: '${trigger.Output/Okta User.profile.name.first}'}
            on_error: {retry: 3, delay: 60000-180000 ms, only: rate limits, then: return}
          - {id: return_inner, card: "control:return", with: {status: '${read_user.System Properties/Status}'}}
        catch:
          - {id: return_outer, card: "control:return", with: {status: '${trigger.Output/Okta User.profile.name.first}'}}
      - {id: return_try, card: "control:return", with: {status: '${inner.status}'}}
    catch:
      - {id: say, card: "string:compose", with: {_text_: 'failed: ${safe_error.context/error.message} for ${trigger.Output/Okta User.ID}'}}
      - {id: return_catch, card: "control:return", with: {status: '${say.output}'}}
  - id: log
    card: stash:createRow
    options: {stash: !table events}
    with: {Fields/Status: '${safe.status}', Fields/When: '${trigger.context/execution_id}'}
"#;

const LOOPS: &str = r#"
flow: Loops
folder: examples
trigger: {type: schedule, cron: 0 */15 2 * * 1-5, time_zone: Europe/Berlin}
steps:
  - heading: What is old
    note: |-
      Rows of last year

      or of one person
  - id: search_rows
    card: stash:searchRows2
    options: {stash: !table events, resultSet: all}
    with:
      Filter/Where Expression:
        - Status = "old" or
        - When < ${trigger.context/execution_time}
        - Row ID != 5
    outputs: {Result/Rows: list-of-object}
  - id: each_row
    loop: for each
    over: ${search_rows.Result/Rows}
    flow: nested_if
    concurrency: 200
    with: {n: !number '${item.Row ID}', name: '${trigger.context/execution_time}'}
  - {id: map, loop: map, over: '${search_rows.Result/Rows}', flow: nested_if, with: {name: '${item}', n: 7}, outputs: {new list: list-of-text}}
  - {id: fold, loop: reduce, over: '${map.new list}', start: {}, flow: nested_if, with: {name: '${item}', n: 1}, outputs: {item: object}}
  - {id: twice, loop: repeat, over: 2, flow: nested_if, with: {n: 1, name: x}}
  - {id: call, call: nested_if, with: {n: '${call_before.label | parseFloat}', name: '${fold.item}'}}
"#;

const ENDPOINT: &str = r#"
flow: Endpoint
log: false
trigger: {type: endpoint, security: open, inputs: {body/name: text, headers/x-id: text, query/q: {type: text, default: none}}}
steps:
  - {id: parse, card: "json:parse", with: {string: '${trigger.raw/body}'}}
  - {id: formula, card: "math:expression", with: {_text_: '${parse.output.n | parseFloat} * 2 # $${no} {{{raw}}}'}}
  - id: go_on
    card: control:continueIf
    if: ${formula.output} > 1.5
    with: {otherwise/message: nothing to do}
  - {id: return_raw, card: "control:returnRaw", with: {statusCode: 200, headers: {Content-Type: text/plain}, body: '${formula.output}'}}
"#;

fn read(text: &str) -> Flow {
    text::read(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn project() -> Project {
    let mut project = Project::default();
    let loops = LOOPS.replace("${call_before.label | parseFloat}", "3");
    for text in [NESTED_IF, SWITCH, IF_ERROR, &loops, ENDPOINT] {
        let flow = read(text);
        project.flows.insert(flow.id.clone(), flow);
    }
    let connection = Connection { id: "okta".into(), name: "Okta".to_owned(), module: "okta".to_owned() };
    project.connections.insert(connection.id.clone(), connection);
    let folder =
        Folder { id: "examples".into(), name: "Examples".to_owned(), description: String::new(), parent: None };
    project.folders.insert(folder.id.clone(), folder);
    let table = Table {
        id: "events".into(),
        name: "Events".to_owned(),
        description: "What happened".to_owned(),
        folder: Some("examples".into()),
        columns: Vec::new(),
    };
    project.tables.insert(table.id.clone(), table);
    project
}

#[test]
fn scenarios_pass_through_every_form() {
    let project = project();
    for flow in project.flows.values() {
        let written = text::write(flow);
        assert_eq!(read(&written), *flow, "{written}");
        assert_eq!(text::format(&written).unwrap(), written);
    }
    let pack = flopack::export(&project).unwrap();
    let imported = flopack::import(&pack.to_string()).unwrap();
    assert_eq!(imported.warnings, []);
    for (id, flow) in &project.flows {
        let mut again = imported.project.flows[id].clone();
        again.kept = flow.kept.clone();
        assert_eq!(diff::flows(flow, &again), []);
        assert_eq!(again, *flow, "{id}");
    }
    assert_eq!(diff::projects(&project, &imported.project), []);
    assert_eq!(validate::project(&project, None), []);
}

#[test]
fn findings_name_card_field_and_rule() {
    let mut project = project();
    let wrong = r#"
flow: Wrong
folder: nowhere
trigger: {type: schedule, cron: 0 61 * * * *, time_zone: UTC}
steps:
  - {id: early, card: "control:let", with: {a: '${late.b}', c: '${gone.d}', e: '${trigger.inputs}'}}
  - {id: late, card: "control:let", with: {b: 1}}
  - {id: now, card: "date:now"}
  - {id: object, card: "object:construct", with: {when: !object '${now.date}', n: !number '${made.output}'}}
  - {id: made, card: "object:construct", with: {x: '${late.x}'}}
  - {id: sum, card: "math:add", with: {a: '${made.output | none}', b: null}}
  - {id: read_user, card: "okta:readUser"}
  - {id: users, card: "okta:readUser", connection: other}
  - {id: call, call: nested_if, with: {m: 1}}
  - {id: miss, call: missing}
  - {id: each, loop: for each, over: '${call.label}', flow: endpoint, concurrency: 500}
  - id: route
    switch:
      - {if: '${late.b} == 1', do: [{id: return_1, card: "control:return", with: {x: 1}}]}
    else: []
    outputs: {y: text}
  - {id: read, card: "control:let", with: {y: '${route.y}', inside: '${return_1.x}'}}
  - {id: row, card: "stash:createRow", options: {stash: !table none}}
  - {id: return, card: "control:return", with: {}}
  - {id: after, card: "control:let", with: {z: 1}}
"#;
    // Neither a folder that is not there nor a card without a connection keeps a flow from running.
    let harmless = ["folder", "read_user"];
    let flow = read(wrong);
    project.flows.insert(flow.id.clone(), flow);
    let found: Vec<_> = validate::project(&project, None)
        .into_iter()
        .map(|f| {
            assert_eq!(f.flow, "Wrong");
            format!(
                "{} {} {}",
                f.code.id(),
                f.step.map_or_else(String::new, |s| s.to_string()),
                f.field.unwrap_or_default()
            )
        })
        .collect();
    for expected in [
        "OKT4119 trigger minutes",
        "OKT4110 early a",
        "OKT4110 early c",
        "OKT4110 early e",
        "OKT4111 object when",
        "OKT4110 made x",
        "OKT4111 sum a",
        "OKT4115 sum b",
        "OKT4114 users connection",
        "OKT4112 call m",
        "OKT4117 miss flow",
        "OKT4112 each flow",
        "OKT4119 each concurrency",
        "OKT4118 route y",
        "OKT4110 read inside",
        "OKT4117 row parameters / stash",
        "OKT4116 after ",
    ] {
        assert!(found.iter().any(|found| found == expected), "{expected} is missing in {found:#?}");
    }
    assert!(!found.iter().any(|found| harmless.iter().any(|word| found.contains(word))), "{found:#?}");
}

#[test]
fn schedules_that_mean_no_time_are_found() {
    for (cron, zone, expected) in [
        ("0 0 9 * * *", "Asia/Tokio", "time zone"),
        ("99 * * * * *", "UTC", "seconds"),
        ("0 0 0 31 2 *", "UTC", "cron"),
    ] {
        let text = format!("flow: Tick\ntrigger: {{type: schedule, cron: {cron}, time_zone: {zone}}}\nsteps: []\n");
        let found = validate::flow(&read(&text), validate::Context::default());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].code.id(), found[0].field.as_deref()), ("OKT4119", Some(expected)));
    }
}

#[test]
fn hidden_cards_become_what_they_mean() {
    let flow = read(IF_ERROR);
    let Kind::Try(outer) = &flow.body.steps[0].kind else { panic!("no If Error") };
    let Body { steps } = &outer.handler;
    let Kind::Action(compose) = &steps[0].kind else { panic!("no card") };
    let Source::Template(parts) = &compose.inputs[0].source else { panic!("no template") };
    assert_eq!(parts.len(), 4);
    let pack = flopack::export(&project()).unwrap().to_string();
    for hidden in [":object:0.0.1:expand", "wormholeMethodId", ":control:0.0.1:join", ":list:0.0.1:asyncEach"] {
        assert!(pack.contains(hidden), "{hidden}");
    }
}

#[test]
fn unknown_keys_are_reported_and_kept() {
    let mut pack = flopack::export(&project()).unwrap();
    let flow = pack["data"]["flos"].as_object_mut().unwrap().values_mut().next().unwrap();
    flow["data"]["surprise"] = 1.into();
    flow["data"]["methods"][0]["node"]["model"]["later"] = "x".into();
    let imported = flopack::import(&pack.to_string()).unwrap();
    let keys: Vec<_> = imported.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, ["surprise", "later"]);
    let again = flopack::export(&imported.project).unwrap().to_string();
    assert!(again.contains("\"surprise\":1") && again.contains("\"later\":\"x\""));
}

#[test]
fn mistakes_in_texts_are_told_with_their_place() {
    for (text, line, column, part) in [
        ("flow: a\n", 1, 1, "needs trigger"),
        ("flow: a\ntrigger: {type: helpr}\n", 2, 1, "starts no flow"),
        ("flow: a\ntrigger: {type: manual}\nsteps:\n  - id: A\n    card: a:b\n", 4, 5, "cannot name a step"),
        ("flow: a\ntrigger: {type: manual}\nsteps:\n  - id: a\n    card: ab\n", 5, 5, "no address"),
        ("flow: a\ntrigger: {type: manual}\nsteps:\n  - id: a\n    card: a:b\n    wit: {}\n", 6, 5, "no \"wit\""),
        ("flow: a\ntrigger: {type: manual}\nsteps:\n  - id: a\n    if: ${x.y} ~ 1\n", 5, 5, "operator"),
        ("flow: a\ntrigger: {type: manual}\nsteps:\n  - {id: a, card: a:b}\n  - {id: a, card: a:b}\n", 5, 6, "already"),
        (
            "flow: a\ntrigger: {type: manual}\nsteps:\n  - id: a\n    card: a:b\n    with:\n      x: ${y\n",
            7,
            7,
            "names a step",
        ),
    ] {
        let error = text::read(text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{error}");
        assert!(error.problem.contains(part), "{error}");
    }
}

#[test]
fn a_comment_stays_where_it_is() {
    let written =
        "# why\nflow: a\ntrigger:\n  type: manual # by hand\nsteps:\n  # first\n  - id: a\n    card: date:now\n";
    assert_eq!(text::format(written).unwrap(), written);
    assert_eq!(FlowId::new("a"), text::read(written).unwrap().id);
}

/// Every list of cards, at any depth.
fn for_each_list(value: &mut serde_json::Value, change: &mut dyn FnMut(&mut Vec<serde_json::Value>)) {
    match value {
        serde_json::Value::Object(members) => {
            if let Some(serde_json::Value::Array(cards)) = members.get_mut("methods") {
                change(cards);
            }
            members.values_mut().for_each(|value| for_each_list(value, change));
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| for_each_list(value, change)),
        _ => {}
    }
}

#[test]
fn cards_that_feed_themselves_are_refused() {
    let mut pack = flopack::export(&project()).unwrap();
    let mut turned = 0;
    for_each_list(&mut pack, &mut |cards| {
        let is_expand = |card: &serde_json::Value| card["address"].as_str().unwrap_or_default().ends_with(":expand");
        let Some(own) = cards.iter().position(is_expand) else { return };
        let uuid = cards[own]["uuid"].as_str().unwrap().to_owned();
        let inputs = cards[own]["node"]["model"]["inputs"]["data"].as_object().unwrap();
        let input = inputs.values().find(|field| field["key"] == "object").unwrap()["id"].clone();
        let outputs = cards[own]["node"]["model"]["outputs"]["data"].as_object().unwrap();
        let output = outputs.keys().next().unwrap().clone();
        for card in cards.iter_mut() {
            for targets in card["pins"].as_object_mut().into_iter().flat_map(|pins| pins.values_mut()) {
                targets.as_object_mut().map(|targets| targets.remove(&uuid));
            }
        }
        cards[own]["pins"][&output][&uuid] = serde_json::json!([{"input": input, "transform": null}]);
        turned += 1;
    });
    assert!(turned > 0);
    let error = flopack::import(&pack.to_string()).unwrap_err();
    assert!(matches!(&error, flopack::FlopackError::Format { problem, .. } if problem.contains("circle")), "{error}");
}

#[test]
fn a_text_that_stands_in_itself_is_text() {
    let text = "flow: a\ntrigger: {type: manual}\nsteps:\n  - id: a\n    card: string:compose\n    with:\n      _text_: '{{{_text_}}}'\n";
    let mut project = Project::default();
    let flow = text::read(text).unwrap();
    project.flows.insert(flow.id.clone(), flow);
    let pack = flopack::export(&project).unwrap().to_string();
    flopack::import(&pack).unwrap();
}
