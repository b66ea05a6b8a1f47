// Made by scripts/types.mjs from the OpenAPI document. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ApiKey: {
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            lastUsedAt: string | null;
            name: string;
            /** Format: date-time */
            revokedAt: string | null;
            revokedBy: string | null;
            scopes: ("submit" | "read" | "operate" | "admin")[];
            /** @enum {string} */
            state: "active" | "expired" | "revoked";
            /** Format: uuid */
            userId: string;
        };
        ApiKeys: {
            keys: components["schemas"]["ApiKey"][];
            pagination: components["schemas"]["Pagination"];
            unreadable: (string | null)[];
        };
        Audit: {
            audit: {
                action: string;
                actor: string;
                /** Format: date-time */
                at: string;
                detail: Record<string, never> | null;
                position: number;
                subject: string;
            }[];
        };
        BulkAction: {
            /** @enum {string} */
            action: "cancel" | "retry" | "erase";
            /** @default false */
            dryRun: boolean;
            filter: {
                engine?: string | null;
                q?: string | null;
                status?: components["schemas"]["Status"][] | null;
                tasks?: string[] | null;
            };
            /** Format: uuid */
            userId?: string | null;
        };
        BulkResult: {
            done: number;
            failed: {
                code: string;
                message: string;
                /** Format: uuid */
                taskId: string;
            }[];
            failedCount: number;
            matched: number;
            matchedIsLowerBound: boolean;
            more: boolean;
        };
        /** @description Corners of turned text as it is read, clockwise from its upper left: x and y of each. */
        Corners: number[][];
        Created: {
            /** Format: date-time */
            createdAt: string;
            fileHash: string | null;
            /** Format: uuid */
            fileId: string;
            fileSize: number | null;
            filename: string;
            mimeType: string | null;
            queuePosition: number;
            s3Key: string;
            status: components["schemas"]["Status"];
            /** Format: uuid */
            taskId: string;
        };
        DeadLetter: {
            /** Format: date-time */
            at: string;
            attempts: number;
            code: string;
            digest: string | null;
            fingerprint: string;
            /** Format: uuid */
            id: string;
            item: number | null;
            message: string;
            page: number | null;
            reason: Record<string, never>;
            settled: Record<string, never> | null;
            /** @enum {string} */
            state: "waiting" | "redriven" | "discarded";
            step: string;
            /** Format: uuid */
            taskId: string;
            tenant: string;
            workflow: string;
        };
        DeadLetterDetails: components["schemas"]["DeadLetter"] & {
            chain: string[];
            history: {
                attempt: number;
                /** @enum {string} */
                end: "running" | "succeeded" | "failed" | "lost" | "handed-back";
                /** Format: date-time */
                endedAt: string | null;
                error: Record<string, never> | null;
                /** Format: date-time */
                startedAt: string;
                worker: string;
            }[];
            logs: string[];
            /** @description What the task was begun with. */
            payload: unknown;
            /** @description A row that could not be read, as it was. */
            raw: unknown;
            taskStatus: components["schemas"]["Status"] | null;
        };
        DeadLetterGroup: {
            code: string;
            count: number;
            digest: string | null;
            fingerprint: string;
            /** Format: date-time */
            firstAt: string;
            /** Format: date-time */
            lastAt: string;
            message: string;
            step: string;
            tenants: number;
            workflow: string;
        };
        DeadLetterGroups: {
            groups: components["schemas"]["DeadLetterGroup"][];
            hasMore: boolean;
        };
        DeadLetters: {
            deadLetters: components["schemas"]["DeadLetter"][];
            pagination: components["schemas"]["Pagination"];
        };
        Engines: {
            default: string;
            engines: {
                description: string | null;
                deterministic: boolean;
                digest: string;
                languages: string[];
                name: string;
                /** @description JSON Schema of `options.settings`. */
                settingsSchema: Record<string, never> | null;
                simulated: boolean;
                version: string;
                wants: {
                    color: boolean;
                    dpi: number | null;
                    side: number | null;
                    upright: boolean;
                };
            }[];
        };
        Erased: {
            /** @constant */
            erased: true;
            /** Format: uuid */
            taskId: string;
        };
        Failure: {
            error: {
                code: string;
                details: Record<string, never>;
                message: string;
            };
            /** @constant */
            success: false;
        };
        GivenUp: {
            /** @constant */
            givenUp: true;
            /** Format: uuid */
            uploadId: string;
        };
        Groups: {
            /** Format: date-time */
            asOf: string;
            /** @constant */
            dryRun: true;
            groups: components["schemas"]["DeadLetterGroup"][];
            total: number;
        };
        Health: {
            dependencies: {
                [key: string]: "up" | "down";
            };
            problems: Record<string, never>[];
            /** @enum {string} */
            status: "healthy" | "degraded";
            version: string;
        };
        History: {
            history: {
                /** Format: date-time */
                at: string;
                data: unknown;
                event: string;
                seq: number;
                step?: string | null;
            }[];
            /** Format: uuid */
            taskId: string;
        };
        Line: {
            bounds?: components["schemas"]["Place"];
            corners?: components["schemas"]["Corners"];
            words: {
                /** @description Other readings, the likeliest first. */
                alternatives?: {
                    confidence?: number;
                    text: string;
                }[];
                bounds?: components["schemas"]["Place"];
                confidence?: number;
                corners?: components["schemas"]["Corners"];
                text: string;
            }[];
        };
        MadeKey: components["schemas"]["ApiKey"] & {
            key: string;
        };
        Me: {
            /** @enum {string} */
            authentication: "off" | "key" | "token" | "session" | "ticket";
            /** Format: date-time */
            expiresAt: string | null;
            limits: {
                pagesMax: number;
                tasksActiveMax: number | null;
                uploadBytesMax: number;
                uploadsPerMinute: number | null;
            };
            name: string;
            scopes: ("submit" | "read" | "operate" | "admin")[];
            /** Format: uuid */
            userId: string | null;
        };
        NewKey: {
            expiresIn?: number | null;
            name?: string;
            scopes: ("submit" | "read" | "operate" | "admin")[];
            /** Format: uuid */
            userId?: string | null;
        };
        NewSession: {
            key: string;
        };
        NewTaskFromUrl: {
            engine?: string | null;
            filename?: string | null;
            formats?: ("html" | "txt" | "md" | "json" | "hocr" | "alto" | "page" | "tsv" | "pdf" | "pdfa")[] | null;
            /** @enum {string|null} */
            onPageFailure?: "fail" | "partial" | null;
            options?: components["schemas"]["Options"];
            pages?: string | null;
            priority?: number | null;
            /**
             * Format: uri
             * @description URL that the document is fetched from by the task's first step.
             */
            url: string;
            /** Format: uuid */
            userId?: string | null;
            webhook?: string | null;
        };
        NewUpload: {
            bytes: number;
            filename: string;
            sha256?: string | null;
            /** Format: uuid */
            userId?: string | null;
        };
        Options: {
            color?: boolean;
            dpi?: number | null;
            languages?: string[];
            settings?: Record<string, never>;
            /**
             * @description What is done with a PDF page's own text: `auto` takes it where it covers the page, `use` wherever there is any, `ignore` recognises every page without it, `engine` gives it to the engine. Default: `UNTXT_TEXT_LAYER`.
             * @enum {string|null}
             */
            textLayer?: "auto" | "use" | "ignore" | "engine" | null;
            webhook?: string | null;
        };
        Overview: {
            /** Format: date-time */
            asOf: string;
            deadLetters: {
                groups: components["schemas"]["DeadLetterGroup"][];
                waiting: number;
            };
            dependencies: {
                [key: string]: "up" | "down";
            };
            latestActs: Record<string, never>[];
            perMinute: {
                /** Format: date-time */
                at: string;
                done: number;
                failed: number;
            }[];
            queues: {
                held: number;
                oldestAgeMs: number | null;
                ready: number;
                scheduled: number;
            };
            retriesWaiting: number;
            sentence: {
                /** @enum {string} */
                level: "well" | "attention" | "down";
                reasons: {
                    code: string;
                    link: string;
                    text: string;
                }[];
            };
            workers: {
                alive: number;
                draining: number;
                silent: number;
            };
        };
        Pagination: {
            hasMore: boolean;
            limit: number;
            offset: number;
            total: number;
        };
        Place: {
            height: number;
            width: number;
            x: number;
            y: number;
        };
        PluginVersion: {
            digest: string;
            reason?: string | null;
        };
        Plugins: {
            plugins: {
                builtIn: boolean;
                digest: string | null;
                error: string | null;
                name: string;
                version: string | null;
                versions: {
                    active: boolean;
                    digest: string;
                    quarantined: string | null;
                    signed: {
                        comment: string;
                        key: string;
                    } | null;
                }[];
            }[];
        };
        Progress: {
            pagesDone: number;
            pagesTotal: number;
        };
        QueueName: {
            queue?: string | null;
            tenant?: string | null;
        };
        Queues: {
            queues: {
                held: number;
                name: string;
                paused: boolean;
                ready: number;
                scheduled: number;
            }[];
            tenants: {
                tenant: string;
                weight: number;
            }[];
        };
        Ready: {
            /** @constant */
            status: "ready";
        };
        Reason: {
            reason?: string | null;
        };
        Redrive: {
            action: "discard" | {
                redrive: {
                    engine?: string;
                    fromStep?: string;
                    onlyFailedPages: boolean;
                };
            };
            by: string;
            /** Format: date-time */
            createdAt: string;
            error: Record<string, never> | null;
            filter: Record<string, never>;
            /** Format: date-time */
            finishedAt: string | null;
            /** Format: uuid */
            id: string;
            passedOver: number | null;
            rate: number | null;
            reason: string | null;
            settled: number;
            status: components["schemas"]["Status"];
            total: number;
            waiting: number;
        };
        RedriveMany: {
            all?: boolean;
            dryRun?: boolean;
            engine?: string | null;
            filter?: {
                [key: string]: string;
            };
            fromStep?: string | null;
            onlyFailedPages?: boolean;
            rate?: number | null;
            reason?: string | null;
        };
        RedriveOne: {
            engine?: string | null;
            fromStep?: string | null;
            onlyFailedPages?: boolean;
            reason?: string | null;
        };
        RedriveRate: {
            rate: number | null;
            reason?: string | null;
        };
        RedriveResume: {
            rate?: number | null;
            reason?: string | null;
        };
        Redrives: {
            pagination: components["schemas"]["Pagination"];
            redrives: components["schemas"]["Redrive"][];
        };
        Result: {
            bytes: number;
            contentType: string;
            expiresIn: number;
            filename: string;
            /** @enum {string} */
            format: "html" | "txt" | "md" | "json" | "hocr" | "alto" | "page" | "tsv" | "pdf" | "pdfa";
            /** Format: uri */
            resultUrl: string;
            sha256: string;
            /** Format: uuid */
            taskId: string;
        };
        ResultDocument: {
            confidence: number | null;
            /** @enum {string} */
            confidenceKind: "calibrated" | "logprob" | "uncalibrated" | "none";
            engine: {
                digest: string;
                name: string;
                simulated: boolean;
            };
            filename: string;
            language?: string;
            pages: components["schemas"]["ResultPage"][];
            textLength: number;
            version: number;
        };
        ResultPage: {
            attempts: number;
            blocks: {
                bounds?: components["schemas"]["Place"];
                corners?: components["schemas"]["Corners"];
                lines: components["schemas"]["Line"][];
                role: string;
                table?: components["schemas"]["Table"];
            }[];
            code?: string;
            confidence?: number;
            /** @enum {string} */
            confidenceKind: "calibrated" | "logprob" | "uncalibrated" | "none";
            dpi: number;
            fallback: boolean;
            finishReason?: string;
            height: number;
            html?: string;
            index: number;
            language?: string;
            message?: string;
            simulated: boolean;
            /**
             * @description Where the text comes from: the engine, or the file's own text layer.
             * @enum {string}
             */
            source: "engine" | "text-layer";
            /** @enum {string} */
            status: "recognized" | "failed";
            /** @description What of the page could not be drawn, and so not be read. */
            warnings?: string[];
            width: number;
        };
        ResumeMore: {
            data: {
                cursor: string;
                message: string;
            };
            /** Format: date-time */
            timestamp: string;
            /** @constant */
            type: "resume_more";
        };
        Retries: {
            pagination: components["schemas"]["Pagination"];
            retries: {
                attempt: number;
                /** Format: date-time */
                dueAt: string;
                item: number | null;
                /** Format: uuid */
                run: string;
                tenant: string;
                workflow: string;
            }[];
        };
        RetryChanged: {
            item: number | null;
            /** Format: uuid */
            run: string;
            status: components["schemas"]["Status"];
        };
        SearchMatch: {
            block: number;
            box: components["schemas"]["Place"] | null;
            first: number;
            last: number;
            line: number;
            page: number;
            text: string;
        };
        SearchMatches: {
            matches: components["schemas"]["SearchMatch"][];
            more: boolean;
            next: string | null;
            pagesSearched: number;
        };
        Sessions: {
            sessions: {
                /** Format: date-time */
                createdAt: string;
                current: boolean;
                /** Format: date-time */
                expiresAt: string;
                /** Format: uuid */
                id: string;
                /** Format: date-time */
                lastSeenAt: string;
                name: string;
            }[];
        };
        Share: {
            concurrency?: number | null;
            ratePerMinute?: number | null;
            tenant: string;
            weight?: number | null;
        };
        SignIn: {
            /** @enum {string} */
            authentication: "required" | "off";
            key: boolean;
            provider: boolean;
        };
        SocketError: {
            data: {
                code: string;
                message: string;
                /** Format: uuid */
                taskId?: string;
            };
            /** Format: date-time */
            timestamp: string;
            /** @constant */
            type: "error";
        };
        /** @enum {string} */
        Status: "queued" | "processing" | "retrying" | "completed" | "partial" | "failed" | "cancelled";
        Table: {
            cells: {
                bounds?: components["schemas"]["Place"];
                column: number;
                columnSpan: number;
                header: boolean;
                /** @description Places in the block's `lines`, from 0, of those in the cell. */
                lines: number[];
                row: number;
                rowSpan: number;
            }[];
            columns: number;
            rows: number;
        };
        Task: {
            attempt: number;
            /** Format: date-time */
            completedAt: string | null;
            /** Format: date-time */
            createdAt: string | null;
            engine: string;
            engineDigest: string | null;
            error: components["schemas"]["TaskError"] | null;
            fileHash: string | null;
            /** Format: uuid */
            fileId: string;
            fileSize: number | null;
            filename: string;
            formats: ("html" | "txt" | "md" | "json" | "hocr" | "alto" | "page" | "tsv" | "pdf" | "pdfa")[];
            mimeType: string | null;
            /** @enum {string} */
            onPageFailure: "fail" | "partial";
            pages: string | null;
            pagesTotal: number | null;
            priority: number | null;
            progress: components["schemas"]["Progress"];
            result: components["schemas"]["TaskResult"] | null;
            /** Format: date-time */
            startedAt: string | null;
            status: components["schemas"]["Status"];
            step: string | null;
            /** Format: uuid */
            taskId: string;
            taskType: string | null;
            /** Format: date-time */
            updatedAt: string | null;
            /** Format: uuid */
            userId: string;
        };
        TaskDetails: components["schemas"]["Task"] & {
            failedPages: {
                code: string;
                message: string;
                page: number;
            }[];
            resultUrl: string | null;
            webhook: components["schemas"]["Webhook"] | null;
        };
        TaskErased: {
            data: {
                /** Format: uuid */
                taskId: string;
            };
            /** Format: date-time */
            timestamp: string;
            /** @constant */
            type: "task_erased";
        };
        TaskError: {
            code: string;
            message: string | null;
        };
        TaskList: {
            /** Format: date-time */
            asOf: string;
            /** @description Tasks of each status; 10,000 stands for 10,000 or more. */
            counts?: {
                cancelled: number;
                completed: number;
                failed: number;
                partial: number;
                processing: number;
                queued: number;
                retrying: number;
            };
            pagination: components["schemas"]["Pagination"] & {
                next: string | null;
                totalIsLowerBound: boolean;
            };
            tasks: components["schemas"]["Task"][];
        };
        TaskPage: {
            attempt: number;
            confidence: number | null;
            confidenceKind: ("calibrated" | "logprob" | "uncalibrated" | "none") | null;
            /** @description Words with a confidence below 0.6; null unless `words` was asked for. */
            doubtfulWords: number | null;
            /** @description The page's last failure, until it is done. */
            error: components["schemas"]["TaskError"] | null;
            height: number | null;
            page: number;
            source: ("engine" | "text-layer") | null;
            /** @enum {string} */
            status: "pending" | "processing" | "retrying" | "completed" | "failed" | "cancelled";
            width: number | null;
            /** @description Number of words; null unless `words` was asked for. */
            words: number | null;
        };
        TaskPages: {
            next: number | null;
            pages: components["schemas"]["TaskPage"][];
            pagesTotal: number;
        };
        TaskParameters: {
            engine?: string | null;
            formats?: ("html" | "txt" | "md" | "json" | "hocr" | "alto" | "page" | "tsv" | "pdf" | "pdfa")[] | null;
            /** @enum {string|null} */
            onPageFailure?: "fail" | "partial" | null;
            options?: components["schemas"]["Options"];
            pages?: string | null;
            priority?: number | null;
            webhook?: string | null;
        };
        TaskResult: {
            confidence: number | null;
            /** @enum {string} */
            confidenceKind: "calibrated" | "logprob" | "uncalibrated" | "none";
            failedFormats: {
                code: string;
                /** @enum {string} */
                format: "html" | "txt" | "md" | "json" | "hocr" | "alto" | "page" | "tsv" | "pdf" | "pdfa";
                message: string;
            }[];
            failedPages: number[];
            pages: number;
            simulated: boolean;
            textLength: number;
            /** @description Number of warnings. Each is also part of its page in every format of the result. */
            warningCount: number;
            /** @description Parts of recognised pages that could not be read; the first 50. */
            warnings: {
                message: string;
                page: number;
            }[];
        };
        TaskStatus: {
            attempt: number;
            progress: components["schemas"]["Progress"];
            /** @enum {string} */
            source: "redis" | "database";
            status: components["schemas"]["Status"];
            step: string | null;
            /** Format: uuid */
            taskId: string;
        };
        TaskUpdate: {
            data: {
                message: string;
                progress: components["schemas"]["Progress"];
                seq: number;
                status: components["schemas"]["Status"];
                step: string | null;
                /** Format: uuid */
                taskId: string;
            };
            /** Format: date-time */
            timestamp: string;
            /** @constant */
            type: "task_update";
        };
        Ticket: {
            expiresIn: number;
            ticket: string;
        };
        Upload: {
            expiresIn: number;
            headers: {
                [key: string]: string;
            };
            /** @constant */
            method: "PUT";
            /** Format: uuid */
            uploadId: string;
            /** Format: uri */
            url: string;
        };
        Webhook: {
            attempts?: number;
            /** Format: date-time */
            deliveredAt?: string | null;
            error?: {
                code: string;
                message: string;
            } | null;
            event?: string;
            /** Format: uuid */
            eventId?: string;
            /** Format: date-time */
            nextAttemptAt?: string | null;
            /** @enum {string} */
            status: "waiting" | "pending" | "retrying" | "delivered" | "failed" | "cancelled";
            url: string;
        };
        WhichRetry: {
            item?: number | null;
            reason?: string | null;
            /** Format: uuid */
            run: string;
        };
        Workers: {
            workers: {
                holds: {
                    attempt: number;
                    item: number | null;
                    /** Format: uuid */
                    run: string;
                    workflow: string;
                }[];
                /** Format: date-time */
                lastHeartbeat: string | null;
                name: string;
                /** Format: date-time */
                since: string | null;
                /** @enum {string} */
                state: "alive" | "draining" | "silent" | "gone" | "unreadable";
            }[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
