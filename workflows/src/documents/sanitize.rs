//! An engine's HTML, made harmless: text, tables, headings and lists stay;
//! nothing that runs, loads, links or styles does.

use std::collections::{HashMap, HashSet};

use ammonia::Builder;

/// Bytes of one page's HTML: hundreds of times a dense page of text.
pub const BYTES_MAX: usize = 2 << 20;

/// Tags that open something in one page's HTML: twice the words of a dense
/// page. A parser looks through all open elements at each tag, so its time
/// grows with the square of this.
const TAGS_MAX: usize = 6_000;

const TAGS: &[&str] = &[
    "article",
    "aside",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "ins",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// `html` without what could do harm where it is shown; the text of removed
/// elements stays, except for scripts and styles. Empty when `html` is too
/// large or has too many tags: the page's blocks say the same.
#[must_use]
pub fn fragment(html: &str) -> String {
    if html.len() > BYTES_MAX || tags(html) > TAGS_MAX {
        return String::new();
    }
    let cells = HashSet::from(["colspan", "rowspan"]);
    Builder::empty()
        .tags(TAGS.iter().copied().collect())
        .clean_content_tags(HashSet::from(["script", "style", "template", "noscript", "iframe", "title"]))
        .generic_attributes(HashSet::from(["data-bbox", "dir", "lang"]))
        .tag_attributes(HashMap::from([
            ("td", cells.clone()),
            ("th", &cells | &HashSet::from(["scope"])),
            ("col", HashSet::from(["span"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .attribute_filter(|_, _, value| is_plain(value).then(|| value.into()))
        .link_rel(None)
        .strip_comments(true)
        .clean(html)
        .to_string()
}

fn tags(html: &str) -> usize {
    html.as_bytes().windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count()
}

/// Numbers and words are all that the attributes above need.
fn is_plain(value: &str) -> bool {
    value.len() <= 100 && value.chars().all(|c| c.is_ascii_alphanumeric() || " ,.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_and_boxes_stay() {
        let html = r#"<h2 data-bbox="1 2 3 4">T</h2><table><tbody><tr><td colspan="2">a</td></tr></tbody></table><ul><li>x</li></ul>"#;
        assert_eq!(fragment(html), html);
    }

    #[test]
    fn nothing_runs_loads_links_or_styles() {
        let hostile = [
            "<script>alert(1)</script>",
            "<style>p{}</style>",
            "<img src=http://x/ onerror=alert(1)>",
            "<svg onload=alert(1)>",
            "<math><mi xlink:href='javascript:alert(1)'>",
            "<iframe src=x>alert</iframe>",
            "<link rel=stylesheet href=x><meta http-equiv=refresh content=0>",
            "<form action=x><input autofocus onfocus=alert(1)></form>",
            "<!-- <script> -->",
            "<p onclick=alert(1) style='background:url(x)' id=a class=b name=c>",
            "<p data-bbox=\"url(javascript:alert(1))\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        ];
        for html in hostile {
            let clean = fragment(&format!("a{html}b"));
            assert!(!clean.contains("alert") && !clean.contains("url"), "{html} became {clean}");
            assert!(
                ["ab", "a", "a<p>b</p>"].contains(&clean.replace("\"&gt;", "").as_str()),
                "{html} became {clean}"
            );
        }
        assert_eq!(fragment("<a href=http://x/>link</a> & <blink>text</blink>"), "link &amp; text");
    }

    #[test]
    fn what_is_too_much_is_not_parsed() {
        assert_eq!(fragment(&"x".repeat(BYTES_MAX + 1)), "");
        assert_eq!(fragment(&"<div>".repeat(TAGS_MAX + 1)), "");
        let deep = fragment(&"<div>".repeat(TAGS_MAX));
        assert!(deep.ends_with("</div>"));
    }
}
