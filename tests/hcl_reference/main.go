// Reads environment files as Terraform reads a .tfvars file, with HashiCorp's own parser.
//
// Each line of standard input is a file's text as a JSON string. Each line of the output is
// {"values": {...}}, with every number as {"number": "text"}, {"refused": "the reason"}, or
// {"endless": true}: to write 1e99999999 as a key takes minutes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// patience is a thousand times what a text takes.
const patience = 5 * time.Second

// largest is the exponent from which to write a number takes long, and nobody reads it as one.
const largest = 100_000

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	decoder := json.NewDecoder(in)
	for decoder.More() {
		var text string
		if err := decoder.Decode(&text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answers := make(chan map[string]any, 1)
		go func() { answers <- answer(text) }()
		var said map[string]any
		select {
		case said = <-answers:
		case <-time.After(patience):
			said = map[string]any{"endless": true}
		}
		if err := encoder.Encode(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func answer(text string) map[string]any {
	values, reason := read(text)
	if reason != "" {
		return map[string]any{"refused": reason}
	}
	return map[string]any{"values": values}
}

// read does what Terraform does with a file of variables: no block, no variable, no function.
func read(text string) (values map[string]any, reason string) {
	file, faults := hclsyntax.ParseConfig([]byte(text), "x.tfvars", hcl.InitialPos)
	if faults.HasErrors() {
		return nil, faults.Error()
	}
	attributes, faults := file.Body.JustAttributes()
	if faults.HasErrors() {
		return nil, faults.Error()
	}
	values = map[string]any{}
	for name, attribute := range attributes {
		value, faults := attribute.Expr.Value(nil)
		if faults.HasErrors() {
			return nil, faults.Error()
		}
		values[name] = plain(value)
	}
	return values, ""
}

func plain(value cty.Value) any {
	if value.IsNull() {
		return nil
	}
	if !value.IsKnown() {
		return map[string]any{"unknown": true}
	}
	switch kind := value.Type(); {
	case kind == cty.String:
		return value.AsString()
	case kind == cty.Bool:
		return value.True()
	case kind == cty.Number:
		number := value.AsBigFloat()
		if bits := number.MantExp(nil); bits > largest || bits < -largest {
			return map[string]any{"number": "Infinity"}
		}
		return map[string]any{"number": number.Text('g', -1)}
	case kind.IsObjectType() || kind.IsMapType():
		entries := map[string]any{}
		for name, each := range value.AsValueMap() {
			entries[name] = plain(each)
		}
		return map[string]any{"object": entries}
	default:
		items := []any{}
		for _, each := range value.AsValueSlice() {
			items = append(items, plain(each))
		}
		return items
	}
}
