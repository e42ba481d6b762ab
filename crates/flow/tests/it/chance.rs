//! Flows made by chance, through every form.

use oktant_flow::model::{Flow, Project};
use oktant_flow::{diff, flopack, text};
use proptest::prelude::*;

/// Writes a flow as the bytes decide; every reference points to something that has run.
struct Dice<'b> {
    bytes: &'b [u8],
    next: usize,
    out: String,
    steps: usize,
}

impl Dice<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(byte) % sides
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn value(&mut self, seen: &[String]) -> String {
        const CONSTANTS: [&str; 9] = [
            "null",
            "1.5",
            "true",
            "plain",
            "'$${x} {{{y}}}'",
            "\"a\\nb: c #d\\u0007\"",
            "[1, a, {b: []}]",
            "{}",
            "' x '",
        ];
        if self.roll(2) == 0 {
            return CONSTANTS[self.roll(CONSTANTS.len())].to_owned();
        }
        let reference = self.reference(seen);
        let tags = ["", "", "", "!number ", "!list-of-text ", "!date "];
        format!("{}{reference}", tags[self.roll(tags.len())])
    }

    fn reference(&mut self, seen: &[String]) -> String {
        let source = &seen[self.roll(seen.len())].clone();
        let paths = ["", "", ".ID", ".\"a.b\".0", ".x.y.z"];
        let pipes = ["", "", "", " | none", " | parse list"];
        let (path, pipe) = (paths[self.roll(paths.len())], pipes[self.roll(pipes.len())]);
        format!("'${{{source}{path}{pipe}}}'")
    }

    fn operand(&mut self, seen: &[String]) -> String {
        let values = ["\"x y\"", "5", "true", "empty", "[\"a\"]", "\"5\" as number"];
        if self.roll(2) == 0 {
            values[self.roll(values.len())].to_owned()
        } else {
            self.reference(seen).trim_matches('\'').to_owned()
        }
    }

    fn condition(&mut self, seen: &[String]) -> String {
        let operators = ["==", "!=", ">=", "%", "in", "not in", "doesn't have"];
        let left = self.operand(seen);
        if self.roll(4) == 0 {
            return format!("{left} is empty");
        }
        let operator = operators[self.roll(operators.len())];
        format!("{left} {operator} {}", self.operand(seen))
    }

    fn name(&mut self) -> String {
        const NAMES: [&str; 4] = ["step", "read_user", "base64x", "a_"];
        self.steps += 1;
        format!("{}{}", NAMES[self.roll(NAMES.len())], self.steps)
    }

    fn body(&mut self, depth: usize, seen: &mut Vec<String>, returns: bool) {
        for _ in 0..=self.roll(3) {
            self.step(depth, seen);
        }
        if returns {
            let (id, value) = (self.name(), self.value(seen));
            self.line(depth, &format!("- {{id: {id}, card: \"control:return\", with: {{out: {value}}}}}"));
        }
    }

    fn step(&mut self, depth: usize, seen: &mut Vec<String>) {
        let id = self.name();
        let kind = if depth > 8 { self.roll(4) } else { self.roll(8) };
        self.line(depth, &format!("- id: {id}"));
        let inside = depth + 1;
        match kind {
            0 | 1 => {
                let (a, b) = (self.value(seen), self.value(seen));
                let card = ["okta:readUser", "control:let", "string:concat", "math:add"][self.roll(4)];
                self.line(inside, &format!("card: {card}"));
                self.line(inside, "with:");
                self.line(inside + 1, &format!("a: {a}"));
                self.line(inside + 1, &format!("Some key.x *: {b}"));
                seen.push(if card == "control:let" { format!("{id}.a") } else { format!("{id}.group/out put") });
            }
            2 => {
                let reference = self.reference(seen).trim_matches('\'').to_owned();
                self.line(inside, "card: string:compose");
                self.line(inside, "with:");
                let dollars = ["", "$${", "${$}", "$$${", "${$}${$}", "$${$}${$}", "$ "][self.roll(7)];
                self.line(inside + 1, &format!("_text_: 'a {reference} {dollars}${{empty}} {dollars}{reference}'"));
                seen.push(format!("{id}.output"));
            }
            3 => {
                let (over, value) = (self.reference(seen), self.value(seen));
                let mode = ["map", "filter", "repeat"][self.roll(3)];
                self.line(inside, &format!("loop: {mode}"));
                self.line(inside, &format!("over: {over}"));
                self.line(inside, &format!("with: {{k: {value}, i: '${{item.a.b}}', j: '${{item}}'}}"));
            }
            4 | 5 => {
                let condition = self.condition(seen);
                self.line(inside, &format!("if: '{}'", condition.replace('\'', "''")));
                let (mut then, mut otherwise) = (seen.clone(), seen.clone());
                self.line(inside, "then:");
                self.body(inside + 1, &mut then, false);
                self.line(inside, "else:");
                self.body(inside + 1, &mut otherwise, false);
                if then.len() > seen.len() && otherwise.len() > seen.len() {
                    let (a, b) = (then[then.len() - 1].clone(), otherwise[otherwise.len() - 1].clone());
                    self.line(inside, &format!("outputs: {{joined: {{then: '${{{a}}}', else: '${{{b}}}'}}}}"));
                    seen.push(format!("{id}.joined"));
                }
            }
            6 => {
                self.line(inside, "switch:");
                for _ in 0..=self.roll(2) {
                    let condition = self.condition(seen);
                    self.line(inside + 1, &format!("- if: '{}'", condition.replace('\'', "''")));
                    self.line(inside + 2, "do:");
                    self.body(inside + 3, &mut seen.clone(), true);
                }
                self.line(inside, "else:");
                self.body(inside + 1, &mut seen.clone(), true);
                seen.push(format!("{id}.out"));
            }
            _ => {
                self.line(inside, "try:");
                self.body(inside + 1, &mut seen.clone(), true);
                self.line(inside, "catch:");
                let mut handler = seen.clone();
                handler.push(format!("{id}_error.context/error"));
                self.body(inside + 1, &mut handler, true);
                seen.push(format!("{id}.out"));
            }
        }
    }
}

fn flow(bytes: &[u8]) -> Flow {
    let triggers = [
        "{type: helper, inputs: {p: text, q: number}}",
        "{event: \"okta:userCreated\"}",
        "{type: endpoint, security: token, inputs: {p: object}}",
    ];
    let mut dice = Dice { bytes, next: 0, out: String::new(), steps: 0 };
    let trigger = dice.roll(triggers.len());
    let mut seen = if trigger == 1 { vec!["trigger.Output/User".to_owned()] } else { vec!["trigger.p".to_owned()] };
    dice.out = format!("flow: Made by chance\ntrigger: {}\nsteps:\n", triggers[trigger]);
    dice.body(1, &mut seen, true);
    text::read(&dice.out).unwrap_or_else(|error| panic!("{error}\n{}", dice.out))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("LONG_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn flows_survive_every_form(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let flow = flow(&bytes);
        let written = text::write(&flow);
        prop_assert_eq!(&text::read(&written).unwrap(), &flow, "{}", written);
        prop_assert_eq!(&text::format(&written).unwrap(), &written);
        let mut project = Project::default();
        project.flows.insert(flow.id.clone(), flow.clone());
        let pack = flopack::export(&project).unwrap();
        let mut again = flopack::import(&pack.to_string()).unwrap().project.flows.shift_remove(&flow.id).unwrap();
        again.kept = flow.kept.clone();
        prop_assert_eq!(diff::flows(&flow, &again), []);
        prop_assert_eq!(again, flow, "{}", written);
    }
}
