//! The generator, on a small description with every construct and on broken overlays.

use std::path::{Path, PathBuf};

use xtask::codegen::{self, Args, Inputs, Output, generate};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn inputs(overlay: PathBuf) -> Inputs {
    let rustfmt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rustfmt.toml");
    Inputs {
        management: data("management.yaml"),
        oauth: data("oauth.yaml"),
        overlay,
        sdk2: data("okta-sdk-python-2.toml"),
        rustfmt,
    }
}

/// Whether `rustfmt` is there; a toolchain without it can build and test everything else.
fn has_rustfmt() -> bool {
    let found = std::process::Command::new("rustfmt").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: rustfmt is not installed");
    }
    found
}

/// Compares with the committed file, or writes it if `UPDATE_GOLDEN` is set.
#[track_caller]
fn check(output: &Output) {
    let name = Path::new(&output.path).file_name().expect("a file name");
    let of_crate = output.path.strip_prefix("crates/").and_then(|path| path.split('/').next());
    let golden = match of_crate {
        Some(name @ ("models" | "sdk")) => data("expected").join(name),
        _ => data("expected"),
    };
    let golden = golden.join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &output.content).expect("the folder is writable");
    }
    let expected = std::fs::read_to_string(&golden).expect("the golden file");
    assert_eq!(output.content, expected, "{} differs; set UPDATE_GOLDEN=1 to accept", output.path);
}

#[test]
fn every_construct_becomes_what_was_agreed() {
    if !has_rustfmt() {
        return;
    }
    let outputs = generate(&inputs(data("overlay.toml"))).expect("the small description is sound");
    assert_eq!(outputs.len(), 15);
    outputs.iter().for_each(check);
}

/// The error for the small overlay with one text replaced by another.
#[track_caller]
fn broken(from: &str, to: &str) -> String {
    let overlay = std::fs::read_to_string(data("overlay.toml")).expect("the overlay");
    assert!(overlay.contains(from), "the overlay has no {from}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("overlay.toml");
    std::fs::write(&path, overlay.replacen(from, to, 1)).expect("the folder is writable");
    let error = generate(&inputs(path)).expect_err("the overlay is broken");
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[test]
fn mistakes_in_the_overlay_are_errors_with_their_place() {
    for (from, to, place, problem) in [
        ("id = \"listMeals\"", "id = \"listFood\"", ":19:", "no operation listFood"),
        ("items = \"meals\"", "items = \"food\"", ":19:", "no array food"),
        ("default = 25", "max = 50", ":24:", "says the same about `limit` by now"),
        ("key = [\"Id\"]", "key = [\"Ident\"]", ":33:", "Animals has no column Ident"),
        ("filter = \"eq sw\"", "filter = \"eq like\"", ":39:", "unknown operator like"),
        ("names = [\"Name*\"]", "names = [\"Nick*\"]", ":38:", "no column of Animals is called Nick*"),
        ("after = \"Kind\"", "after = \"Sort\"", ":45:", "Animals has no column Sort"),
        ("table = \"Animals\"", "table = \"Plants\"", ":51:", "no table Plants"),
        ("parameter = \"filter\"", "parameter = \"search\"", ":31:", "takes no parameter search"),
        ("reason = \"every animal\"", "reason = \" \"", ":29:", "gives no reason"),
        ("get = \"getAnimal\"", "get = \"listAnimals\"", ":32:", "listAnimals has 0 path parameters, the key 1"),
        ("name = \"ReplaceMenuResponse200\"", "name = \"Meal\"", ":57:", "the entry changes nothing"),
        ("name = \"ReplaceMenuResponse200\"", "name = \"Menu\"", ":57:", "no schema Menu"),
        ("[\"FISH\", \"Animal\"]", "[\"FISH\", \"Plant\"]", ":62:", "no schema Plant"),
        ("nothing inside tells a meal from a refusal", "", ":57:", "gives no reason"),
        ("status = 200", "status = 204", ":67:", "says the same about `status` by now"),
        ("names = [\"password\"]", "names = [\"passport\"]", ":72:", "passport names no member that it changes"),
        ("names = [\"Cat.microchip\"]", "names = [\"Dog.microchip\"]", ":77:", "Dog.microchip names no member"),
        ("secret = false", "secret = true", ":77:", "Cat.microchip names no member that it changes"),
        ("the description does not mark it", "", ":72:", "gives no reason"),
        ("routes = [\"/**\"]", "routes = [\"/other/**\"]", "", "no bucket covers it"),
    ] {
        let error = broken(from, to);
        assert!(error.contains(place) && error.contains(problem), "{from} -> {to} gave: {error}");
    }
}

#[test]
fn keys_of_the_overlay_that_do_not_exist_are_errors_with_their_line() {
    let error = broken("first = ", "frist = ");
    assert!(error.contains("unknown field `frist`") && error.contains("line 34"), "{error}");
}

#[test]
fn the_committed_catalogue_is_what_the_inputs_give() {
    if has_rustfmt() {
        let report = codegen::run(&Args { check: true }).unwrap_or_else(|error| panic!("{error}"));
        eprint!("{report}");
    }
}
