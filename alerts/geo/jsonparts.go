package geo

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// members returns the members of a JSON object whose syntax is known to be
// sound. Faults: not an object, a member given twice, too many.
func members(raw json.RawMessage, limit int, path string, fault func(field, format string, args ...any)) map[string]json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		fault(path, "is %s, it must be an object", kindOf(raw))
		return nil
	}
	out := make(map[string]json.RawMessage, 8)
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			fault(path, "is not valid JSON")
			return nil
		}
		if _, twice := out[name]; twice {
			fault(join(path, name), "is given twice")
			return nil
		}
		if len(out) >= limit {
			fault(path, "has more than %d members", limit)
			return nil
		}
		out[name] = value
	}
	return out
}

func join(path, name string) string {
	name = cut(name)
	if path == "" {
		return name
	}
	return path + "." + name
}

// depth returns how deep arrays and objects lie in each other.
func depth(raw []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}

func asString(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// asID returns a feature's id, a string or a number as it is written.
func asID(raw json.RawMessage) (string, bool) {
	if s, ok := asString(raw); ok {
		return s, true
	}
	if len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		return string(raw), true
	}
	return "", false
}

// kindOf names what a value is, without what it holds: that may be secret.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

func orMissing(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	return shorten(string(raw))
}

// shorten makes what somebody wrote fit into a message.
func shorten(s string) string {
	return strings.Join(strings.Fields(cut(s)), " ")
}

func cut(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
