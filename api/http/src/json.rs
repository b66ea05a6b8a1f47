//! JSON from clients: read only as deep as anything here is.

use serde::de::DeserializeOwned;

/// Arrays and objects in each other. What is asked for has three; an engine's
/// settings may have some more.
const DEPTH_MAX: usize = 16;

/// Reads `text`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    if depth(text) > DEPTH_MAX {
        return Err(format!("it is nested deeper than {DEPTH_MAX} levels"));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// How deep brackets stand in each other, whether or not they match.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_brackets_outside_of_strings_count() {
        assert_eq!(depth(br#"{"a":[{"b":"[[[\"{{{"}]}"#), 3);
        assert_eq!(depth(b"[][][]"), 1);
        assert!(read::<Value>("[".repeat(16).as_bytes()).unwrap_err().contains("EOF"));
        assert!(read::<Value>("[".repeat(17).as_bytes()).unwrap_err().contains("deeper"));
    }
}
