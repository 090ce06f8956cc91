// Serves prices as JSON over HTTP/1.1:
//
//	GET  /price?sku=007                  {"price":12.5,"instance":"…"}
//	POST /prices {"skus":["007","1e3"]}  {"prices":[12.5,99.99],"instance":"…"}
//
// An article that nobody sells is a 404.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"

	"fahrenheit-to-celsius/examples/rest-or-grpc/catalogue"
)

type onePrice struct {
	Price    float64 `json:"price"`
	Instance string  `json:"instance"`
}

type manyPrices struct {
	Prices   []float64 `json:"prices"`
	Instance string    `json:"instance"`
}

func main() {
	http.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /price", getOne)
	http.HandleFunc("POST /prices", getMany)
	server := http.Server{Addr: catalogue.Address()}
	ended := make(chan struct{})
	go func() {
		catalogue.WaitForSignal()
		server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended
}

func getOne(w http.ResponseWriter, r *http.Request) {
	price, ok := catalogue.Prices[r.URL.Query().Get("sku")]
	if !ok {
		http.Error(w, "There is no such article.", http.StatusNotFound)
		return
	}
	answer(w, onePrice{price, catalogue.Instance})
}

func getMany(w http.ResponseWriter, r *http.Request) {
	var question struct{ Skus []string }
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	prices := make([]float64, len(question.Skus))
	for i, sku := range question.Skus {
		price, ok := catalogue.Prices[sku]
		if !ok {
			http.Error(w, "There is no such article.", http.StatusNotFound)
			return
		}
		prices[i] = price
	}
	answer(w, manyPrices{prices, catalogue.Instance})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(body)
}
