"""The report page: one self-contained HTML file a factory, of its coverage and of facts beside it.

- `facts` is what the page shows beside the coverage, `reading` gets it from a lake;
- `episodes` gathers the gaps of many subjects that have one cause; `strips` makes timelines small enough to draw;
- `page` puts all of it together, with `page.css` and `page.js`; `markup` escapes whatever is no markup.
"""
