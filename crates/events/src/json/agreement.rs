//! The two parsers return equal trees: on all fixtures, and on mutations of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::mutation::{Random, mutate};
use super::{Arena, Json, MAX_TREE_BYTES, plain, tolerant};

fn fixtures() -> Vec<String> {
    let mut texts = Vec::new();
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            texts.extend(String::from_utf8(fs::read(file.unwrap().path()).unwrap()));
        }
    }
    assert!(texts.len() > 200, "{} fixtures", texts.len());
    texts
}

/// How a text was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Both parsers return the same tree.
    Equal,
    /// The fast parser leaves a valid text to the tolerant one.
    Left,
    /// Neither parser returns a tree, unless the text is repaired.
    Broken,
}

/// Compares the parsers on a text. Debug output is compared, because -0.0 equals 0.0.
fn compare(text: &str) -> Outcome {
    let (fast, slow) = (Arena::default(), Arena::default());
    let tree = tolerant::parse_strictly(&slow, text, MAX_TREE_BYTES);
    match (plain::parse(&fast, text, MAX_TREE_BYTES), tree) {
        (Some(json), Ok(expected)) => {
            assert_eq!(format!("{json:?}"), format!("{expected:?}"), "{text}");
            Outcome::Equal
        }
        (Some(json), Err(error)) => panic!("{error}, but the fast parser returns {json:?} for {text}"),
        (None, Ok(_)) => Outcome::Left,
        (None, Err(_)) => Outcome::Broken,
    }
}

#[test]
fn the_parsers_agree_on_all_fixtures() {
    let mut left = 0;
    for text in fixtures() {
        // Some fixtures are broken on purpose.
        left += usize::from(compare(&text) == Outcome::Left);
    }
    assert_eq!(left, 0, "fixtures that are left to the tolerant parser");
}

#[test]
fn the_parsers_agree_on_mutated_bodies() {
    let trees: Vec<Value> = fixtures().iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let pieces = ["\"", "\\", "{", "}", "[", "]", ",", ":", "0", "9", "-", "+", ".", "e", " ", "\n", "\u{1}", "é"];
    let escapes = ["\\ud83d", "\\ud83d\\ude00", "\\u00e4", "\\/", "\\n", "\\x", "1e999", "-0", "0.1", "null", "00"];
    let (mut equal, mut broken) = (0, 0);
    for seed in 0..5_000 {
        let mut random = Random(seed);
        let mut tree = trees[random.below(trees.len())].clone();
        for _ in 0..random.below(4) {
            mutate(&mut tree, &mut random);
        }
        let mut text =
            if random.below(3) == 0 { serde_json::to_string_pretty(&tree).unwrap() } else { tree.to_string() };
        for _ in 0..random.below(4) {
            let at = text.floor_char_boundary(random.below(text.len() + 1));
            let end = text.ceil_char_boundary(at + random.below(2));
            let piece = *pieces.iter().chain(&escapes).nth(random.below(pieces.len() + escapes.len())).unwrap();
            text.replace_range(at..end, piece);
        }
        match compare(&text) {
            Outcome::Equal => equal += 1,
            Outcome::Broken => broken += 1,
            Outcome::Left => panic!("seed {seed}: valid, but left to the tolerant parser: {text}"),
        }
    }
    assert!(equal > 1_000 && broken > 1_000, "{equal} valid texts and {broken} others");
}

#[test]
fn limits_leave_a_text_to_the_tolerant_parser() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let many = |count: usize| format!("[{}0]", "{\"a\":0},".repeat(count));
    for (text, expected) in [
        (nested(64), Outcome::Equal),
        (nested(65), Outcome::Left),
        (nested(127), Outcome::Left),
        (nested(128), Outcome::Broken),
        (many(40_000), Outcome::Equal),
        (many(120_000), Outcome::Left),
        (many(600_000), Outcome::Broken),
    ] {
        assert_eq!(compare(&text), expected, "{} bytes", text.len());
    }
}

/// A control: a tree that differs in one value is not equal.
#[test]
fn different_trees_are_found() {
    let (arena, other) = (Arena::default(), Arena::default());
    let tree = |arena, text| -> String { format!("{:?}", Json::parse_nested(arena, text).unwrap()) };
    for (text, changed) in [("[0.0]", "[-0.0]"), ("[1]", "[1.0]"), (r#"{"a":""}"#, r#"{"a":null}"#), ("[]", "{}")] {
        assert_ne!(tree(&arena, text), tree(&other, changed), "{text}");
    }
}
