//! Random but reproducible changes to JSON.

use serde_json::{Map, Value, json};

/// A stream of random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A random number below `end`. `end` must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Changes one random node of the value: deletes, replaces or wraps it, or adds junk next to it.
pub(crate) fn mutate(value: &mut Value, random: &mut Random) {
    let target = random.below(count(value));
    mutate_at(value, &mut { target }, random);
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Finds the node by counting down. Returns `true` if the parent has to delete it.
fn mutate_at(value: &mut Value, left: &mut usize, random: &mut Random) -> bool {
    if *left == 0 {
        return change(value, random);
    }
    *left -= 1;
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                let size = count(&items[index]);
                if *left < size {
                    if mutate_at(&mut items[index], left, random) {
                        items.remove(index);
                    }
                    return false;
                }
                *left -= size;
            }
        }
        Value::Object(members) => {
            let keys: Vec<String> = members.keys().cloned().collect();
            for key in keys {
                let size = count(&members[&key]);
                if *left < size {
                    let member = members.get_mut(&key).unwrap();
                    if mutate_at(member, left, random) {
                        let member = members.remove(&key).unwrap();
                        if random.below(2) == 0 {
                            members.insert(key.to_uppercase(), member);
                        }
                    }
                    return false;
                }
                *left -= size;
            }
        }
        _ => {}
    }
    false
}

fn change(value: &mut Value, random: &mut Random) -> bool {
    match random.below(10) {
        0 | 1 => return true,
        2 => *value = json!([value.take()]),
        3 => *value = json!({ "0": value.take() }),
        4 => *value = Value::String(value.to_string()),
        5 => match value {
            Value::Array(items) => items.insert(random.below(items.len() + 1), junk(random)),
            Value::Object(members) => {
                members.insert("junk".to_owned(), junk(random));
            }
            Value::String(text) => *value = text.parse::<i64>().map_or(json!(text.len()), |number| json!(number)),
            Value::Number(number) => *value = Value::String(number.to_string()),
            _ => *value = junk(random),
        },
        _ => *value = junk(random),
    }
    false
}

fn junk(random: &mut Random) -> Value {
    match random.below(16) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.next() as i64),
        3 => json!(f64::from_bits(random.next())),
        4 => json!(-1),
        5 => json!(""),
        6 => json!("\u{0}\u{ffff}\"\\\u{1F600}é"),
        7 => json!("9".repeat(random.below(40))),
        8 => json!("eyJ.eyJ.eyJ"),
        9 => json!("2026-13-45T99:00:00Z"),
        10 => json!("{\"type\":\"button_reply\",\"button_reply\":[]}"),
        11 => json!("+@:.lid@s.whatsapp.net"),
        12 => json!([]),
        13 => Value::Object(Map::new()),
        14 => json!("x".repeat(random.below(6000))),
        _ => json!([{ "id": 1, "type": [], "timestamp": {} }, [[]], 7]),
    }
}
