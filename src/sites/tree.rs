//! The element tree of one page: an arena with caps that hold while the parser runs.
//!
//! The parser's own tree types cannot stop half way: a page of unclosed formatting elements grows without
//! bound inside them. Here the page is fed in small pieces and the counters are looked at between pieces.
//! Every walk is a loop, so nesting never costs stack.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, ParseOpts, QualName, parse_document};

/// Deepest nesting read; browsers flatten at 512, and checks of the parser cost the depth for each element.
pub(crate) const MAX_DEPTH: u32 = 1_000;
/// Most nodes of one page; a long page of a school has some thousands.
pub(crate) const MAX_NODES: usize = 200_000;
/// Bytes given to the parser between two looks at the counters.
const PIECE: usize = 1_024;

const NONE: u32 = u32::MAX;

const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Position of a node in its page.
pub(crate) type NodeId = u32;

#[derive(Debug)]
enum Kind {
    Element(QualName, Vec<Attribute>),
    Text(StrTendril),
    Other,
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    parent: u32,
    first: u32,
    last: u32,
    previous: u32,
    next: u32,
    depth: u32,
    line: u32,
    /// The nearest block element around.
    block: u32,
    /// Hidden by its own style or by one around.
    hidden: bool,
}

/// Which cap a page broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
    /// More nodes than [`MAX_NODES`].
    Count,
}

/// One page as a tree.
#[derive(Debug)]
pub(crate) struct Page {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Sink {
    page: RefCell<Page>,
    line: Cell<u32>,
    over: Cell<Option<Over>>,
}

impl Page {
    /// Parses a page.
    ///
    /// # Errors
    /// When the page breaks a cap; nothing of it is kept.
    pub(crate) fn parse(text: &str) -> Result<Self, Over> {
        let sink = Sink {
            page: RefCell::new(Self { nodes: Vec::new() }),
            line: Cell::new(1),
            over: Cell::new(None),
        };
        sink.add(Kind::Other);
        let options = ParseOpts {
            tree_builder: TreeBuilderOpts {
                scripting_enabled: false,
                ..TreeBuilderOpts::default()
            },
            ..ParseOpts::default()
        };
        let mut parser = parse_document(sink, options);
        let mut rest = text;
        while !rest.is_empty() {
            let mut cut = rest.len().min(PIECE);
            while !rest.is_char_boundary(cut) {
                cut += 1;
            }
            let (piece, after) = rest.split_at(cut);
            parser.process(StrTendril::from(piece));
            if let Some(over) = parser.tokenizer.sink.sink.over.get() {
                return Err(over);
            }
            rest = after;
        }
        let mut page = parser.finish();
        page.inherit();
        Ok(page)
    }

    /// Fills what every node takes from those around it, parents first: asking the way up for each would cost the depth.
    fn inherit(&mut self) {
        let mut at = Some(Self::ROOT);
        while let Some(id) = at {
            let above = self.parent(id);
            let block = above.map_or(NONE, |above| match self.is(above, BLOCKS) {
                true => above,
                false => self.node(above).block,
            });
            let hidden = above.is_some_and(|above| self.node(above).hidden) || self.hides(id);
            let node = &mut self.nodes[id as usize];
            (node.block, node.hidden) = (block, hidden);
            at = self.after(Self::ROOT, id, true);
        }
    }

    /// True when the element's own style hides it.
    fn hides(&self, id: NodeId) -> bool {
        self.attr(id, "hidden").is_some()
            || self.attr(id, "style").is_some_and(|style| {
                let style: String = style.to_ascii_lowercase().split_whitespace().collect();
                style.contains("display:none") || style.contains("visibility:hidden")
            })
    }

    /// The document node.
    pub(crate) const ROOT: NodeId = 0;

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Tag of an element in lower case; nothing for text.
    pub(crate) fn tag(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Element(name, _) => Some(&name.local),
            _ => None,
        }
    }

    /// True for an element whose tag is in the list.
    pub(crate) fn is(&self, id: NodeId, tags: &[&str]) -> bool {
        self.tag(id).is_some_and(|tag| tags.contains(&tag))
    }

    /// Text of a text node.
    pub(crate) fn own_text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Value of an attribute.
    pub(crate) fn attr(&self, id: NodeId, name: &str) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Element(_, attrs) => attrs
                .iter()
                .find(|attr| &*attr.name.local == name)
                .map(|attr| &*attr.value),
            _ => None,
        }
    }

    /// Line of the source where the node starts, from one.
    pub(crate) fn line(&self, id: NodeId) -> u32 {
        self.node(id).line
    }

    /// The block element around a node.
    pub(crate) fn block(&self, id: NodeId) -> Option<NodeId> {
        some(self.node(id).block)
    }

    /// True when the element or one around it is hidden by its own style.
    pub(crate) fn is_hidden(&self, id: NodeId) -> bool {
        self.node(id).hidden
    }

    /// The node around.
    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        some(self.node(id).parent)
    }

    /// Nodes around, nearest first.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.parent(id), |id| self.parent(*id))
    }

    /// Direct children.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(some(self.node(id).first), |id| some(self.node(*id).next))
    }

    /// Nodes after this one inside the same parent.
    pub(crate) fn following(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(some(self.node(id).next), |id| some(self.node(*id).next))
    }

    /// The node itself and everything inside, in document order.
    pub(crate) fn inside(&self, top: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(top), move |id| self.after(top, *id, true))
    }

    /// The next node in document order inside `top`; `enter` says whether children count.
    pub(crate) fn after(&self, top: NodeId, id: NodeId, enter: bool) -> Option<NodeId> {
        if enter && let Some(child) = some(self.node(id).first) {
            return Some(child);
        }
        let mut at = id;
        while at != top {
            if let Some(next) = some(self.node(at).next) {
                return Some(next);
            }
            at = self.parent(at)?;
        }
        None
    }

    /// Elements of these tags inside `top`, in document order.
    pub(crate) fn all<'a>(&'a self, top: NodeId, tags: &'a [&'a str]) -> impl Iterator<Item = NodeId> + 'a {
        self.inside(top).filter(move |id| self.is(*id, tags))
    }
}

fn some(id: u32) -> Option<NodeId> {
    (id != NONE).then_some(id)
}

impl Page {
    fn detach(&mut self, id: NodeId) {
        let Node {
            parent, previous, next, ..
        } = *self.node(id);
        if parent == NONE {
            return;
        }
        match some(previous) {
            Some(previous) => self.nodes[previous as usize].next = next,
            None => self.nodes[parent as usize].first = next,
        }
        match some(next) {
            Some(next) => self.nodes[next as usize].previous = previous,
            None => self.nodes[parent as usize].last = previous,
        }
        let node = &mut self.nodes[id as usize];
        (node.parent, node.previous, node.next) = (NONE, NONE, NONE);
    }

    /// Puts `id` into `parent` before `next`, or last; gives its depth.
    fn attach(&mut self, parent: NodeId, id: NodeId, next: Option<NodeId>) -> u32 {
        self.detach(id);
        let previous = next.map_or(self.node(parent).last, |next| self.node(next).previous);
        let depth = self.node(parent).depth + 1;
        let node = &mut self.nodes[id as usize];
        (node.parent, node.previous, node.next, node.depth) = (parent, previous, next.unwrap_or(NONE), depth);
        match some(previous) {
            Some(previous) => self.nodes[previous as usize].next = id,
            None => self.nodes[parent as usize].first = id,
        }
        match next {
            Some(next) => self.nodes[next as usize].previous = id,
            None => self.nodes[parent as usize].last = id,
        }
        depth
    }
}

impl Sink {
    fn add(&self, kind: Kind) -> NodeId {
        let mut page = self.page.borrow_mut();
        if page.nodes.len() >= MAX_NODES {
            self.over.set(Some(Over::Count));
        }
        page.nodes.push(Node {
            kind,
            parent: NONE,
            first: NONE,
            last: NONE,
            previous: NONE,
            next: NONE,
            depth: 0,
            line: self.line.get(),
            block: NONE,
            hidden: false,
        });
        u32::try_from(page.nodes.len() - 1).unwrap_or(0)
    }

    fn put(&self, parent: NodeId, child: NodeOrText<NodeId>, next: Option<NodeId>) {
        let id = match child {
            NodeOrText::AppendNode(id) => id,
            NodeOrText::AppendText(text) => {
                let mut page = self.page.borrow_mut();
                let previous = next.map_or(page.node(parent).last, |next| page.node(next).previous);
                if let Some(previous) = some(previous)
                    && let Kind::Text(known) = &mut page.nodes[previous as usize].kind
                {
                    known.push_tendril(&text);
                    return;
                }
                drop(page);
                self.add(Kind::Text(text))
            }
        };
        if self.page.borrow_mut().attach(parent, id, next) > MAX_DEPTH {
            self.over.set(Some(Over::Depth));
        }
    }
}

impl TreeSink for Sink {
    type Handle = NodeId;
    type Output = Page;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Page {
        self.page.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        Page::ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.page.borrow(), |page| match &page.node(*target).kind {
            Kind::Element(name, _) => name,
            // The parser asks for names of elements only (contract of TreeSink).
            _ => unreachable!("the parser names only elements"),
        })
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> NodeId {
        self.add(Kind::Element(name, attrs))
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.add(Kind::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.add(Kind::Other)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.put(*parent, child, None);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        let parent = self.page.borrow().parent(*element);
        match parent {
            Some(parent) => self.put(parent, child, Some(*element)),
            None => self.put(*previous, child, None),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, node: NodeOrText<NodeId>) {
        let parent = self.page.borrow().parent(*sibling);
        if let Some(parent) = parent {
            self.put(parent, node, Some(*sibling));
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attrs: Vec<Attribute>) {
        if let Kind::Element(_, known) = &mut self.page.borrow_mut().nodes[*target as usize].kind {
            for attr in attrs {
                if known.iter().all(|other| other.name != attr.name) {
                    known.push(attr);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.page.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, parent: &NodeId) {
        let mut page = self.page.borrow_mut();
        while let Some(child) = some(page.node(*node).first) {
            page.attach(*parent, child, None);
        }
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(u32::try_from(line).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_hundred_thousand_nested_divs_is_refused_and_overflows_nothing() {
        let page = format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        assert_eq!(Page::parse(&page).err(), Some(Over::Depth));
    }

    #[test]
    fn unclosed_formatting_that_multiplies_itself_is_stopped_by_the_count() {
        let mut page = String::from("<p>");
        for number in 0..400 {
            page.push_str(&format!("<b a={number}>"));
        }
        page.push_str(&"</p><p>x".repeat(20_000));
        assert_eq!(Page::parse(&page).err(), Some(Over::Count));
    }

    #[test]
    fn the_tree_keeps_order_attributes_and_lines() {
        let page = Page::parse("<table>\n<tr><td ITEMPROP=regDate>1990\n<td>x</table>").expect("a small page");
        let cells: Vec<_> = page.all(Page::ROOT, &["td"]).collect();
        assert_eq!(cells.len(), 2);
        assert_eq!(page.attr(cells[0], "itemprop"), Some("regDate"));
        assert_eq!((page.line(cells[0]), page.line(cells[1])), (2, 3));
        assert!(page.ancestors(cells[0]).any(|id| page.is(id, &["table"])));
    }
}
