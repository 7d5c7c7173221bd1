package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// node is a part of the document.
type node = map[string]any

func of(n node, name string) node {
	v, _ := n[name].(node)
	return v
}

func text(n node, name string) string {
	v, _ := n[name].(string)
	return strings.TrimSpace(v)
}

// inspector walks the document and notes what is not described.
type inspector struct {
	schemas node
	faults  []string
	seen    int // fields, parameters, headers and bodies
}

func (i *inspector) fault(where, what string) { i.faults = append(i.faults, where+": "+what) }

// schema checks a schema: its type is told, and every field of it is described.
func (i *inspector) schema(where string, s node) {
	if ref := text(s, "$ref"); ref != "" {
		if _, ok := i.schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !ok {
			i.fault(where, "leads to "+ref+", which is not there")
		}
		return
	}
	_, typed := s["type"]
	if !typed && s["enum"] == nil && s["oneOf"] == nil && s["anyOf"] == nil {
		i.fault(where, "has no type")
	}
	for name, v := range of(s, "properties") {
		field, _ := v.(node)
		i.seen++
		if name != "$schema" && text(field, "description") == "" {
			i.fault(where+"."+name, "the field is not described")
		}
		i.schema(where+"."+name, field)
	}
	for _, part := range []string{"items", "additionalProperties"} {
		if below, ok := s[part].(node); ok {
			i.schema(where+"."+part, below)
		}
	}
	if text(s, "type") == "array" && s["items"] == nil {
		i.fault(where, "is a list of nobody knows what")
	}
}

func (i *inspector) content(where string, c node) {
	for mediaType, v := range c {
		i.seen++
		media, _ := v.(node)
		if s := of(media, "schema"); s == nil {
			i.fault(where, mediaType+" has no schema")
		} else {
			i.schema(where+" "+mediaType, s)
		}
	}
}

func (i *inspector) operation(where string, op node) {
	for _, name := range []string{"summary", "operationId"} {
		if text(op, name) == "" {
			i.fault(where, "has no "+name)
		}
	}
	parameters, _ := op["parameters"].([]any)
	for _, v := range parameters {
		p, _ := v.(node)
		i.seen++
		if text(p, "description") == "" || of(p, "schema") == nil {
			i.fault(where, "the parameter "+text(p, "name")+" is not described, or has no schema")
		} else {
			i.schema(where+" "+text(p, "name"), of(p, "schema"))
		}
	}
	if body := of(op, "requestBody"); body != nil {
		if len(of(body, "content")) == 0 {
			i.fault(where, "has a body of nobody knows what")
		}
		i.content(where, of(body, "content"))
	}
	well := false
	for status, v := range of(op, "responses") {
		r, _ := v.(node)
		well = well || status < "400"
		if text(r, "description") == "" {
			i.fault(where, "the answer "+status+" is not described")
		}
		for name, h := range of(r, "headers") {
			i.seen++
			if header, _ := h.(node); text(header, "description")+text(of(header, "schema"), "description") == "" {
				i.fault(where, "the header "+name+" of "+status+" is not described")
			}
		}
		i.content(where+" "+status, of(r, "content"))
	}
	if !well {
		i.fault(where, "does not say how it answers when all is well")
	}
	problem := of(of(of(of(op, "responses"), "default"), "content"), "application/problem+json")
	if text(of(problem, "schema"), "$ref") != "#/components/schemas/Problem" {
		i.fault(where, "its errors are no problem documents")
	}
}

// TestEverythingIsDescribed walks the whole document: every field, parameter,
// header, body and answer says what it is.
func TestEverythingIsDescribed(t *testing.T) {
	w := newWorld(t)
	var doc node
	if err := json.Unmarshal(w.call(t, "GET", "/api/openapi.json", nil, nil).want(t, 200).rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	i := &inspector{schemas: of(of(doc, "components"), "schemas")}
	for name, s := range i.schemas {
		i.schema(name, s.(node))
	}
	operations := 0
	for path, v := range of(doc, "paths") {
		for method, op := range v.(node) {
			operations++
			i.operation(strings.ToUpper(method)+" "+path, op.(node))
		}
	}
	for _, f := range slices.Sorted(slices.Values(i.faults)) {
		t.Error(f)
	}
	want := 0
	for _, r := range routes() {
		if strings.HasPrefix(r.path, "/api/v1/") && r.method != "OPTIONS" {
			want++
		}
	}
	if operations != want || i.seen < 500 {
		t.Errorf("%d operations of %d routes, %d parts of them", operations, want, i.seen)
	}
}

// The walk finds what is missing: each part taken out of the document is told.
func TestTheWalkFindsGaps(t *testing.T) {
	whole := func() (node, node) {
		op := node{"summary": "s", "operationId": "o", "parameters": []any{node{"name": "p", "description": "d", "schema": node{"type": "string"}}},
			"requestBody": node{"content": node{"application/json": node{"schema": node{"type": "object", "properties": node{"f": node{"type": "string", "description": "d"}}}}}},
			"responses": node{"200": node{"description": "d", "headers": node{"ETag": node{"description": "d"}}, "content": node{"image/jpeg": node{"schema": node{"type": "string"}}}},
				"default": node{"description": "d", "content": node{"application/problem+json": node{"schema": node{"$ref": "#/components/schemas/Problem"}}}}}}
		return op, node{"Problem": node{"type": "object"}}
	}
	op, schemas := whole()
	i := &inspector{schemas: schemas}
	if i.operation("x", op); len(i.faults) != 0 {
		t.Fatalf("a whole one: %v", i.faults)
	}
	for what, spoil := range map[string]func(op, schemas node){
		"summary":   func(op, _ node) { delete(op, "summary") },
		"parameter": func(op, _ node) { delete(op["parameters"].([]any)[0].(node), "description") },
		"field": func(op, _ node) {
			delete(of(of(of(of(of(of(op, "requestBody"), "content"), "application/json"), "schema"), "properties"), "f"), "description")
		},
		"schema":      func(op, _ node) { clear(of(of(of(of(op, "responses"), "200"), "content"), "image/jpeg")) },
		"header":      func(op, _ node) { clear(of(of(of(of(op, "responses"), "200"), "headers"), "ETag")) },
		"answer":      func(op, _ node) { delete(of(of(op, "responses"), "200"), "description") },
		"success":     func(op, _ node) { delete(of(op, "responses"), "200") },
		"problem":     func(op, _ node) { delete(of(op, "responses"), "default") },
		"a reference": func(_, schemas node) { clear(schemas) },
	} {
		op, schemas := whole()
		spoil(op, schemas)
		i := &inspector{schemas: maps.Clone(schemas)}
		if i.operation("x", op); len(i.faults) == 0 {
			t.Errorf("nothing is said of a missing %s", what)
		}
	}
}
