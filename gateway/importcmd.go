package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/gateway/config"
)

// importCmd imports a file into the data folder.
type importCmd struct {
	What   string `arg:"" enum:"areas,grids,cameras,registers,rosters" help:"areas, grids, cameras, registers or rosters."`
	File   string `arg:"" type:"existingfile" help:"GeoJSON or CSV."`
	System string `enum:"wgs84,gcj02,bd09" default:"wgs84" help:"Coordinate system of the file."`
	Config string `help:"YAML file with the settings." type:"path"`
}

// Run imports all of the file or, where anything in it is wrong, nothing.
func (c importCmd) Run(ctx context.Context) error {
	set, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	a, err := newApp(set)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.openStore(ctx); err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	load := a.desk.ImportCameras
	switch c.What {
	case "areas":
		load = a.desk.ImportAreas
	case "grids":
		load = a.desk.ImportGrids
	case "registers":
		load = a.desk.ImportSites
	case "rosters":
		load = a.desk.ImportPosts
	}
	format := "geojson"
	if strings.HasSuffix(strings.ToLower(c.File), ".csv") {
		format = "csv"
	}
	system := alerts.System()
	system.Name = "gateway import" // in the audit: the command, whoever called it
	res, err := load(ctx, system, bufio.NewReader(f), format, alerts.CoordSystem(c.System))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, explain(err))
	}
	for _, w := range res.Warnings {
		fmt.Printf("warning: row %d, %s: %s\n", w.Row, w.Field, w.Message)
	}
	fmt.Printf("%d %s imported.\n", res.Imported, c.What)
	return nil
}
