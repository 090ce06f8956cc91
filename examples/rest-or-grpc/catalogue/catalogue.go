// Package catalogue has what both servers share: the prices, and how a server ends.
package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// The cases of the comparison: each row is asked, and its price is the right answer.
//
//go:embed prices.csv
var file []byte

// Prices has the price of each article by its SKU (stock-keeping unit).
var Prices = read()

// Instance names the replica that answers: in Kubernetes, its pod.
var Instance, _ = os.Hostname()

func read() map[string]float64 {
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	prices := map[string]float64{}
	for _, row := range rows[1:] {
		if prices[row[0]], err = strconv.ParseFloat(row[1], 64); err != nil {
			log.Fatal(err)
		}
	}
	return prices
}

// Address returns where to listen: on all interfaces, at the port that the environment gives.
func Address() string {
	return ":" + os.Getenv("PORT")
}

// WaitForSignal returns when the process is told to end.
func WaitForSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
}
