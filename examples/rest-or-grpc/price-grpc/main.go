// Serves prices over gRPC, as price.proto says. Reflection tells clients the messages.
package main

import (
	"context"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"fahrenheit-to-celsius/examples/rest-or-grpc/catalogue"
	"fahrenheit-to-celsius/examples/rest-or-grpc/price"
)

type server struct {
	price.UnimplementedPricesServer
}

func main() {
	listener, err := net.Listen("tcp", catalogue.Address())
	if err != nil {
		log.Fatal(err)
	}
	grpcServer := grpc.NewServer()
	price.RegisterPricesServer(grpcServer, server{})
	reflection.Register(grpcServer)
	go func() {
		catalogue.WaitForSignal()
		grpcServer.GracefulStop()
	}()
	if err := grpcServer.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

func (server) Get(_ context.Context, request *price.GetRequest) (*price.GetResponse, error) {
	prices := make([]float64, len(request.Skus))
	for i, sku := range request.Skus {
		price, ok := catalogue.Prices[sku]
		if !ok {
			return nil, status.Error(codes.NotFound, "There is no such article.")
		}
		prices[i] = price
	}
	return &price.GetResponse{Prices: prices, Instance: catalogue.Instance}, nil
}
