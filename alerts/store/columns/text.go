package columns

import "bytes"

// between parts the texts of a row, and its last from the next row's: no text
// that is looked for holds it.
const between = 0

// Lower is text with small ASCII letters, as the databases compare it.
func Lower(s string) string { return string(lowered(s)) }

func lowered(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// wordsOf is what a row's text is found by.
func wordsOf(r *Row) []byte {
	b := make([]byte, 0, len(r.Title)+len(r.Address)+len(r.Code)+3)
	for _, s := range [...]string{r.Title, r.Address, r.Code} {
		b = append(append(b, lowered(s)...), between)
	}
	return b
}

// needle is a text that is looked for, with its rarest byte: one that comes
// seldom is found at the speed of memory, while every Chinese sign begins alike.
type needle struct {
	text []byte
	rare int
}

func (t *Table) needle(text string) needle {
	n := needle{text: lowered(text)}
	if len(t.blocks) == 0 {
		return n
	}
	var count [256]int
	for _, c := range t.blocks[0].text {
		count[c]++
	}
	for i, c := range n.text {
		if count[c] < count[n.text[n.rare]] {
			n.rare = i
		}
	}
	return n
}

// next finds the needle in text from a place on; -1: it is not there.
func (n *needle) next(text []byte, from int) int {
	for at := from + n.rare; at < len(text); at++ {
		i := bytes.IndexByte(text[at:], n.text[n.rare])
		if i < 0 {
			return -1
		}
		at += i
		if start := at - n.rare; bytes.HasPrefix(text[start:], n.text) {
			return start
		}
	}
	return -1
}

// holding keeps the rows that hold the needle. Few are looked at one by one; the
// text of many is gone through at once.
func (n *needle) holding(b *block, sel []int32) []int32 {
	kept := sel[:0]
	if len(sel) < b.n/8 {
		for _, i := range sel {
			if n.next(b.words(int(i)), 0) >= 0 {
				kept = append(kept, i)
			}
		}
		return kept
	}
	for at, row := n.next(b.text, 0), 0; at >= 0; {
		for b.textEnd[row] <= uint32(at) {
			row++
		}
		for len(sel) > 0 && sel[0] < int32(row) {
			sel = sel[1:]
		}
		if len(sel) > 0 && sel[0] == int32(row) {
			kept = append(kept, int32(row)) // over what has been read
			sel = sel[1:]
		}
		if len(sel) == 0 {
			break
		}
		at = n.next(b.text, int(b.start(int(sel[0]))))
	}
	return kept
}
