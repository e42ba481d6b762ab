//! What the flows of a pack read and compare. A generated value is more often one of these than something else, so that
//! runs go on and turn both ways.

use std::collections::HashMap;

use oktant_flow::model::{
    Action, Base, Condition, Flow, FlowId, HelperValue, If, Kind, LoopMode, Part, Project, Reference, Slot, Source,
    Step, Type,
};
use oktant_functions::Value;

use super::values::constant;

/// An output: flow and step, and its name.
pub(super) type Place = (String, Slot);

/// Steps that a value is followed back.
const HOPS: usize = 8;

/// Keys inside an output.
type Path = Vec<String>;

#[derive(Default)]
pub(super) struct Words {
    /// Short texts of the flows.
    pub(super) texts: Vec<String>,
    /// Keys that flows reach into objects with.
    pub(super) keys: Vec<String>,
    /// Constants that an output, or a part of it, is compared with.
    compared: HashMap<Place, Vec<(Path, Value)>>,
    /// Parts of an output that are read, and as what.
    paths: HashMap<Place, Vec<(Path, Type)>>,
    /// An output that is a part of an earlier one.
    parts: Vec<(Place, Place, Path)>,
}

impl Words {
    pub(super) fn of(project: &Project) -> Self {
        let mut words = Self::default();
        for flow in project.flows.values() {
            flow.body.walk(&mut |step, _| words.step(project, flow, step));
        }
        for _ in 0..HOPS {
            words.follow_back();
        }
        for list in [&mut words.texts, &mut words.keys] {
            list.sort();
            list.dedup();
        }
        words
    }

    pub(super) fn compared(&self, place: &Place) -> &[(Path, Value)] {
        self.compared.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn paths(&self, place: &Place) -> &[(Path, Type)] {
        self.paths.get(place).map_or(&[], Vec::as_slice)
    }

    /// What is read from a part of an output is read from the output.
    fn follow_back(&mut self) {
        for (part, whole, prefix) in &self.parts {
            let longer = |path: &Path| -> Path { prefix.iter().chain(path).cloned().collect() };
            for (path, ty) in self.paths.get(part).cloned().unwrap_or_default() {
                add(self.paths.entry(whole.clone()).or_default(), (longer(&path), ty));
            }
            for (path, value) in self.compared.get(part).cloned().unwrap_or_default() {
                add(self.compared.entry(whole.clone()).or_default(), (longer(&path), value));
            }
        }
    }

    fn step(&mut self, project: &Project, flow: &Flow, step: &Step) {
        match &step.kind {
            Kind::Action(action) => self.action(flow, step, action),
            Kind::If(branches) => self.branches(flow, step, branches),
            Kind::Switch(switch) => switch.arms.iter().for_each(|arm| self.condition(flow, &arm.condition)),
            Kind::Loop(repeat) => {
                self.source(flow, &repeat.over.source, repeat.over.ty);
                for input in &repeat.inputs {
                    let (source, path) = match &input.value {
                        HelperValue::Item => (&repeat.over.source, Vec::new()),
                        HelperValue::Field(field) => (&repeat.over.source, split(field)),
                        HelperValue::Same(source) => (source, Vec::new()),
                    };
                    if repeat.mode != LoopMode::MapObject || matches!(input.value, HelperValue::Same(_)) {
                        self.parameter(project, flow, repeat.flow.as_ref(), &input.key, source, &path);
                    }
                }
            }
            Kind::Call(call) => {
                for input in &call.inputs {
                    self.source(flow, &input.source, input.ty);
                    self.parameter(project, flow, call.flow.as_ref(), &input.slot.key, &input.source, &[]);
                }
            }
            Kind::Try(_) | Kind::Note(_) => {}
        }
    }

    fn branches(&mut self, flow: &Flow, step: &Step, branches: &If) {
        self.condition(flow, &branches.condition);
        for joined in &branches.outputs {
            for source in [&joined.then, &joined.otherwise] {
                self.part(flow, (at(flow, step), joined.output.clone()), source, &[]);
            }
        }
    }

    fn action(&mut self, flow: &Flow, step: &Step, action: &Action) {
        let input = |key: &str| action.inputs.iter().find(|input| input.slot.key == key).map(|input| &input.source);
        action.inputs.iter().for_each(|input| self.source(flow, &input.source, input.ty));
        if let (Some(left), Some(right)) = (input("left-operand"), input("right-operand")) {
            self.compared_with(flow, left, right);
        }
        let path = match input("path") {
            Some(Source::Constant(serde_json::Value::String(path))) => split(path),
            _ => Vec::new(),
        };
        self.keys.extend(path.iter().cloned());
        let first = action.inputs.first().map(|input| &input.source);
        for output in &step.outputs {
            let here = (at(flow, step), output.slot.clone());
            let key = output.slot.key.clone();
            match action.address.as_str() {
                "object:pick" => self.part_of(flow, here, input("object"), &[key]),
                "object:get" => self.part_of(flow, here, input("object"), &path),
                "control:let" => self.part_of(flow, here, input(&key), &[]),
                "control:assignIf" => {
                    self.part_of(flow, here.clone(), input("valueIfTrue"), &[]);
                    self.part_of(flow, here, input("valueIfFalse"), &[]);
                }
                // The items of a list are generated alike, so a path into an item is one into the list.
                address if address.starts_with("list:") || address.starts_with("json:") => {
                    self.part_of(flow, here, first, if address == "list:pluck" { &path } else { &[] });
                }
                address if address.starts_with("string:to") || address == "string:trim" => {
                    self.part_of(flow, here, first, &[]);
                }
                _ => {}
            }
        }
        if matches!(action.address.as_str(), "list:filterBy" | "list:findBy")
            && let (Some(Source::Reference(list)), Some(Source::Constant(value))) = (first, input("comparison"))
        {
            add(self.compared.entry(place(flow, list)).or_default(), (path, constant(value)));
        }
    }

    fn condition(&mut self, flow: &Flow, condition: &Condition) {
        self.compared_with(flow, &condition.left.source, &condition.right.source);
    }

    fn compared_with(&mut self, flow: &Flow, left: &Source, right: &Source) {
        self.source(flow, left, Type::TEXT);
        self.source(flow, right, Type::TEXT);
        if let (Source::Reference(reference), Source::Constant(value))
        | (Source::Constant(value), Source::Reference(reference)) = (left, right)
        {
            let mut near = vec![constant(value)];
            if let Value::Number(number) = near[0] {
                near.extend([Value::Number(number + 1.0), Value::Number(number - 1.0)]);
            }
            for value in near {
                add(self.compared.entry(place(flow, reference)).or_default(), (reference.path.clone(), value));
            }
        }
    }

    fn source(&mut self, flow: &Flow, source: &Source, ty: Type) {
        match source {
            Source::Constant(serde_json::Value::String(text)) if text.len() < 40 => self.texts.push(text.clone()),
            Source::Reference(reference) => {
                self.keys.extend(reference.path.iter().cloned());
                add(self.paths.entry(place(flow, reference)).or_default(), (reference.path.clone(), ty));
            }
            Source::Template(parts) => {
                for part in parts {
                    if let Part::Value(operand) = part {
                        self.source(flow, &operand.source, operand.ty);
                    }
                }
            }
            _ => {}
        }
    }

    /// A parameter of a helper flow is what its caller gives.
    fn parameter(
        &mut self,
        project: &Project,
        flow: &Flow,
        helper: Option<&FlowId>,
        key: &str,
        source: &Source,
        path: &[String],
    ) {
        if let Some(helper) = helper.and_then(|helper| project.flows.get(helper)) {
            let here = (format!("{}/{}", helper.id, helper.trigger.id), Slot::plain(key));
            self.part(flow, here, source, path);
        }
    }

    fn part_of(&mut self, flow: &Flow, here: Place, source: Option<&Source>, path: &[String]) {
        if let Some(source) = source {
            self.part(flow, here, source, path);
        }
    }

    /// `here` is what stands at `path` in `source`.
    fn part(&mut self, flow: &Flow, here: Place, source: &Source, path: &[String]) {
        if let Source::Reference(reference) = source {
            let whole: Path = reference.path.iter().chain(path).cloned().collect();
            for length in 1..whole.len() {
                let object = (whole[..length].to_vec(), Type::one(Base::Object));
                add(self.paths.entry(place(flow, reference)).or_default(), object);
            }
            self.parts.push((here, place(flow, reference), whole));
        }
    }
}

fn at(flow: &Flow, step: &Step) -> String {
    format!("{}/{}", flow.id, step.id)
}

fn place(flow: &Flow, reference: &Reference) -> Place {
    (format!("{}/{}", flow.id, reference.step), reference.slot.clone())
}

fn split(path: &str) -> Path {
    path.split('.').map(str::to_owned).collect()
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    // A flow that calls itself makes longer and longer paths.
    if list.len() < 60 && !list.contains(&item) {
        list.push(item);
    }
}
