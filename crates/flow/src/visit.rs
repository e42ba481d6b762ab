//! Where values come from, for everybody who asks about a whole flow.

use crate::model::{Body, Flow, HelperValue, Input, Kind, Part, Reference, Source, Step, TriggerKind};

/// An input of a step: its name as people see it, and where its value comes from.
pub(crate) type Fed<'a> = (String, &'a Source);

/// All sources of a step itself, not of the steps inside it.
pub(crate) fn sources(step: &Step) -> Vec<Fed<'_>> {
    match &step.kind {
        Kind::Action(action) => action.options.iter().chain(&action.inputs).map(named).collect(),
        Kind::Call(call) => call.inputs.iter().map(named).collect(),
        Kind::Loop(each) => {
            let own = std::iter::once(&each.over).chain(&each.start).chain(&each.concurrency).map(named);
            let given = each.inputs.iter().filter_map(|input| match &input.value {
                HelperValue::Same(source) => Some((input.key.clone(), source)),
                HelperValue::Item | HelperValue::Field(_) => None,
            });
            own.chain(given).collect()
        }
        Kind::If(branch) => {
            let condition = [("value a", &branch.condition.left.source), ("value b", &branch.condition.right.source)];
            condition.map(|(name, source)| (name.to_owned(), source)).into()
        }
        Kind::Switch(switch) => {
            let arms = switch.arms.iter().enumerate();
            arms.flat_map(|(n, arm)| {
                [("value a", &arm.condition.left.source), ("value b", &arm.condition.right.source)]
                    .map(|(name, source)| (format!("condition {} {name}", n + 1), source))
            })
            .collect()
        }
        Kind::Try(_) | Kind::Note(_) => Vec::new(),
    }
}

/// The sources of the outputs of an If, which its branches feed.
pub(crate) fn joined(step: &Step) -> Vec<(String, [&Source; 2])> {
    let Kind::If(branch) = &step.kind else { return Vec::new() };
    branch.outputs.iter().map(|joined| (joined.output.to_string(), [&joined.then, &joined.otherwise])).collect()
}

fn named(input: &Input) -> Fed<'_> {
    (input.slot.to_string(), &input.source)
}

/// The references in a source.
pub(crate) fn references(source: &Source) -> Vec<&Reference> {
    match source {
        Source::Reference(reference) => vec![reference],
        Source::Template(parts) => parts
            .iter()
            .filter_map(|part| match part {
                Part::Value(operand) => Some(references(&operand.source)),
                Part::Text(_) => None,
            })
            .flatten()
            .collect(),
        Source::Where(terms) => terms.iter().flat_map(|term| references(&term.value)).collect(),
        Source::Empty | Source::Constant(_) | Source::Flow(_) | Source::Table(_) => Vec::new(),
    }
}

/// All references of a flow.
pub(crate) fn all_references(flow: &Flow) -> Vec<&Reference> {
    let mut out = Vec::new();
    if let TriggerKind::Event(event) = &flow.trigger.kind {
        out.extend(event.options.iter().flat_map(|input| references(&input.source)));
    }
    steps(&flow.body, &mut |step| {
        out.extend(sources(step).into_iter().flat_map(|(_, source)| references(source)));
        out.extend(joined(step).into_iter().flat_map(|(_, sources)| sources).flat_map(references));
    });
    out
}

/// Visits every step at any depth.
pub(crate) fn steps<'a>(body: &'a Body, visit: &mut impl FnMut(&'a Step)) {
    body.walk(&mut |step, _| visit(step));
}
