// Command gateway is the whole of Sharp Eyes: it wires the rooms together and
// owns the order of start and stop. What it needs from outside is one folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"sharpeyes/gateway/api"
	"sharpeyes/gateway/config"
)

// cli is every command.
type cli struct {
	Demo    demoCmd    `cmd:"" help:"A simulated town with live cameras; needs nothing else."`
	Serve   serveCmd   `cmd:"" help:"Run the gateway."`
	Camsim  camsimCmd  `cmd:"" help:"Simulated RTSP cameras."`
	Import  importCmd  `cmd:"" help:"Import areas, grids or cameras into the data folder of a gateway that is not running."`
	Verify  verifyCmd  `cmd:"" help:"Check a package of evidence, without a server. Ends with 0 where it is whole, 2 where it is not, 1 where it could not be read."`
	Audit   auditCmd   `cmd:"" help:"The record of who did and saw what."`
	Config  configCmd  `cmd:"" help:"Settings."`
	OpenAPI openapiCmd `cmd:"" name:"openapi" hidden:"" help:"Print the OpenAPI document."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	tuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("gateway"), kong.Description("Sharp Eyes gateway: camera feeds in, wall displays out, and everything that happens in a city's grids on one live map."),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	err := k.Run()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "gateway: "+err.Error())
		stop()
		if with, ok := errors.AsType[exitWith](err); ok {
			os.Exit(with.code)
		}
		os.Exit(1)
	}
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Println("sharpeyes " + version())
	return err
}

// stamp is set by the build (-ldflags -X).
var stamp string

// version is what the build was stamped with.
func version() string {
	if stamp == "" {
		return "development"
	}
	return stamp
}

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Read the settings and say what is wrong with them."`
}

type configCheckCmd struct {
	Config string `help:"YAML file with the settings." type:"path"`
}

// Run checks the file and the environment.
func (c configCheckCmd) Run() error {
	if _, err := config.Load(c.Config, os.Environ()); err != nil {
		return err
	}
	_, err := fmt.Println("The settings are valid.")
	return err
}

type openapiCmd struct{}

// Run prints the document that the dashboard's client is made from.
func (openapiCmd) Run() error {
	doc, err := api.OpenAPI("v1")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(doc, '\n'))
	return err
}
